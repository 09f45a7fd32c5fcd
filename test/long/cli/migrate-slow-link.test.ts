import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { writeDataSet } from '../../bench/data-set.ts'
import { docker, expectExit, installDray, type Dray } from '../../engine/cli/dray.ts'
import { makeImage, mountpoint } from '../../engine/cli/whole-container.ts'
import { startHost, type LabHost } from '../../lab/host.ts'

const mbit = 100
const delayMs = 25
const bytes = 120e6
const pipe = fileURLToPath(new URL('../../lab/delayed-pipe.js', import.meta.url))

let one: LabHost
let two: LabHost
let dray: Dray

beforeAll(async () => {
  [one, two] = await Promise.all([startHost({ engine: '20.10' }), startHost({ engine: '20.10' })])
  const bin = join(one.sharedDir, 'bin')
  await mkdir(bin)
  await writeFile(join(bin, 'config'), `Include ${two.ssh.configPath}\nHost slow\n  HostName ${two.address}\n  ProxyCommand ${process.execPath} ${pipe} ${delayMs} %h %p\n`)
  await writeFile(join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${bin}/config "$@"\n`, { mode: 0o755 })
  dray = await installDray({ PATH: `${bin}:${process.env['PATH'] ?? ''}` })
  await makeImage(one)
  await docker(one, 'volume', 'create', 'data')
  writeDataSet(await mountpoint(one, 'data'), { files: 1500, totalBytes: bytes })
  await docker(one, 'run', '--detach', '--init', '--name', 'web', '--volume', 'data:/data', 'shop/web:1')
  await two.rate(mbit)
}, 180_000)

afterAll(async () => {
  await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose](), dray[Symbol.asyncDispose]()])
}, 60_000)

type Event = { readonly event: string; readonly name?: string; readonly text?: string; readonly state?: string; readonly bytes?: number; readonly totalBytes?: number; readonly bytesPerSecond?: number; readonly milliseconds?: number }

test('over 100 Mbit/s with 50 ms there and back the faster way is taken, compressed where the machine has the time, and the progress is honest', async () => {
  const { stdout } = expectExit(await dray('migrate', 'web', `unix://${one.socket}`, 'ssh://root@slow'), 0)
  const events = stdout.trim().split('\n').map(line => JSON.parse(line) as Event)
  expect(events.flatMap(({ event, text }) => (event === 'note' ? [text] : [])).join('\n')).toMatch(/"ssh:\/\/root@slow": .*\/s to it(: compressed|, .*\/s compressed: (not )?compressed)/)

  const isCompressed = !events.some(({ text }) => text?.includes('not compressed') === true)
  const ofData = events.filter(({ event, name }) => event === 'transfer' && name === 'data')
  const done = ofData.findIndex(({ state }) => state === 'done')
  const { milliseconds: took = 0, bytes: sent = 0 } = ofData[done]!
  // running events come every second, the last one up to a second before the end
  const running = ofData.slice(0, done)
  const estimates = running.map(({ bytes: soFar = 0, totalBytes = 0, bytesPerSecond = 1 }, at) => ({ soFar, totalBytes, rate: bytesPerSecond, left: ((totalBytes - soFar) / bytesPerSecond) * 1000, reallyLeft: (running.length - at - 0.5) * 1000 }))
  process.stderr.write(`slow link: ${(sent / 1e6).toFixed(0)} MB in ${(took / 1000).toFixed(1)} s, ${(sent / took / 1000).toFixed(1)} MB/s on a line of ${mbit / 8} MB/s; ${JSON.stringify(estimates.map(({ left, reallyLeft }) => [Math.round(left / 1000), Math.round(reallyLeft / 1000)]))}\n`)
  // a line that is compressed carries more than it could, one that is not nearly all it can
  expect(sent / (took / 1000)).toBeGreaterThan((mbit / 8) * 1e6 * (isCompressed ? 1 : 0.7))
  const halfWay = estimates.filter(({ soFar, totalBytes }) => soFar > totalBytes / 4)
  expect(halfWay.length).toBeGreaterThan(2)
  for (const { left, reallyLeft } of halfWay) expect(Math.abs(left - reallyLeft)).toBeLessThan(0.2 * took)
}, 180_000)

test('--compress none leaves it as it is, and nothing is measured', async () => {
  const { stdout } = expectExit(await dray('migrate', 'web', `unix://${one.socket}`, 'ssh://root@slow', '--compress=none', '--dry-run'), 12)
  expect(stdout).not.toMatch(/compressed/)
}, 60_000)
