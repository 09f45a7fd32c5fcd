import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { docker, expectExit, installDray, at } from '../../engine/cli/dray.ts'
import { startHost } from '../../lab/host.ts'
import { mountpoint } from '../../engine/cli/whole-container.ts'

test('a gigabyte is packed and unpacked in less than 200 MB of memory, over ssh too', async () => {
  await using host = await startHost({ engine: '20.10' })
  await using dray = await installDray({ DOCKER_HOST: at(host) })
  await docker(host, 'volume', 'create', 'data')
  await host.sh(`cd ${await mountpoint(host, 'data')}; for i in $(seq 1 20); do head -c 25000000 /dev/urandom > random$i; yes | head -c 25000000 > text$i; done`)
  const peak = join(dray.home, 'peak')
  const note = `process.on('exit', () => process.getBuiltinModule('node:fs').appendFileSync(${JSON.stringify(peak)}, process.resourceUsage().maxRSS + '\\n'))`
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(note)}` }
  for (const [to, more] of [['one', {}], ['two', { DOCKER_HOST: host.ssh.endpoint, ...host.ssh.env }]] as const) {
    expectExit(await dray.plain(['pack', 'data', '-t', `example/data:${to}`], { ...env, ...more }), 0)
    expectExit(await dray.plain(['unpack', `example/data:${to}`, '--to', to], { ...env, ...more }), 0)
  }
  const peaks = readFileSync(peak, 'utf8').trim().split('\n').map(line => Math.round(Number(line) / 1024))
  expect(peaks.length).toBeGreaterThanOrEqual(4)
  console.log(`peaks in MiB: ${peaks.join(', ')}`)
  expect(Math.max(...peaks)).toBeLessThan(200)
  await host.sh('docker volume rm one two data >/dev/null')
}, 600_000)
