import { expect, test } from '@jest/globals'
import { containerIn } from '../../../src/engine/own-container.ts'

const [own, other] = ['ab12'.repeat(16), 'cd34'.repeat(16)]
const mounted = `712 700 254:1 /var/lib/docker/containers/${other}/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw\n`

test.each([
  ['a control group of version 1', `12:pids:/docker/${own}\n1:name=systemd:/docker/${own}\n`, mounted, own],
  ['one of systemd', `0::/system.slice/docker-${own}.scope\n`, '', own],
  ['one that a namespace hides', '0::/\n', mounted, other],
  ['no container', '0::/user.slice/user-0.slice/session-3.scope\n', '25 30 0:23 / /sys rw - sysfs sysfs rw\n', undefined],
  ['the engine\'s own files on the host', '0::/init.scope\n', `90 30 0:45 / /var/lib/docker/containers/${other}/mounts/shm rw - tmpfs shm rw\n`, undefined],
])('the container of this program is known by %s', (_name, cgroup, mountinfo, expected) => {
  expect(containerIn(cgroup, mountinfo)).toBe(expected)
})
