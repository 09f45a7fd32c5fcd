import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { LabHost } from '../../lab/host.ts'
import { docker, expectExit, inspect, type Dray } from '../../engine/cli/dray.ts'
import { editPlan, usePlans } from '../../engine/cli/use-plans.ts'
import { mountpoint } from '../../engine/cli/whole-container.ts'

let host: LabHost
let dray: Dray
let file: string

usePlans(plans => void ({ host, dray, file } = plans))

const edit = (...changes: readonly (readonly [RegExp | string, string])[]): void => editPlan(file, ...changes)
const contentOf = async (volume: string) => readFileSync(join(await mountpoint(host, volume), 'file'), 'utf8').trim()

test('in place: one volume replaced, another kept, another container not started', async () => {
  for (const volume of ['data', 'cache']) writeFileSync(join(await mountpoint(host, volume), 'file'), 'later\n')
  expectExit(await dray('restore', 'latest', 'web', '--plan-out', file), 0)
  edit(['replace: false', 'replace: true'], ['start: true', 'start: false'], [/(to: data\n +data: )restore/, '$1replace'], [/(to: cache\n +data: )restore/, '$1keep'])
  await docker(host, 'rm', '-f', 'side')
  const { result } = expectExit(await dray('restore', '--plan', file), 0)
  expect((await inspect(host, 'web')).State.Status).toBe('created')
  expect([await contentOf('data'), await contentOf('cache')]).toEqual(['stored', 'later'])
  const { undo } = result.restored[0] as unknown as { undo: string }
  expectExit(await dray('undo', undo.replace('dray undo ', ''), '--yes'), 0)
  expect([await contentOf('data'), await contentOf('cache')]).toEqual(['later', 'later'])
  expect((await inspect(host, 'web')).State.Status).toBe('running')
}, 60_000)

test('what replaces data alone says so, and is refused for the rest', async () => {
  await host.sh('docker rm -f web side >/dev/null')
  expectExit(await dray('restore', 'latest', 'web', '--plan-out', file), 0)
  edit([/(to: data\n +data: )restore/, '$1replace'])
  const refused = expectExit(await dray('restore', '--plan', file), 12)
  expect(refused.stderr).toContain('volume \\"cache\\" is there and not empty')
  expect(refused.stderr).not.toContain('volume \\"data\\"')
  edit([/(to: cache\n +data: )restore/, '$1keep'])
  writeFileSync(join(await mountpoint(host, 'data'), 'file'), 'later\n')
  expectExit(await dray('restore', '--plan', file), 0)
  expect(await contentOf('data')).toBe('stored')
}, 60_000)

test('what cannot be beside it, what is there already, and stdout', async () => {
  expectExit(await dray('restore', 'latest', 'web', '--plan-out', file, '--name', 'web2', '--map-port', '18080:18090', '--keep', '/cache'), 0)
  expect(readFileSync(file, 'utf8')).toMatch(/name: web2\n[^]*from: 18080\n +to: 18090\n[^]*to: cache\n +data: keep\n/)
  expect(expectExit(await dray('restore', '--plan', file, '--name', 'x', '--map-port', '1:2'), 2).stderr).toContain('--name, --map-port cannot be given beside --plan')
  edit(['from: cache', 'from: cach'])
  expect(expectExit(await dray('restore', '--plan', file), 2).stderr).toContain('names no volume of the backup')
  expectExit(await dray('restore', '--plan', join(dray.home, 'nowhere.yaml')), 11)
  expectExit(await dray('restore', 'latest', 'web', '--plan-out', file), 12)
  const { stdout } = expectExit(await dray.plain(['restore', 'latest', 'web', '--plan-out', '-']), 0)
  expect(stdout).toMatch(/^# A restore, [^]*\nplan: 1\n/)
}, 60_000)
