import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { isStep } from './dray-process.ts'
import { World } from './world.ts'

let world: World

beforeAll(async () => {
  world = await World.start()
}, 60_000)
afterAll(async () => {
  await world[Symbol.asyncDispose]()
}, 60_000)

test('a volume that a killed restore had filled is emptied again, and as it was; but not while it holds something of the user\'s', async () => {
  await world.makeWeb()
  expect((await world.dray('backup', 'web')).exitCode).toBe(0)
  await world.removeAll()
  await world.docker('volume', 'create', 'web-data')
  const folder = await world.docker('volume', 'inspect', '-f', '{{.Mountpoint}}', 'web-data')
  await world.host.sh(`chown 33:44 ${folder}; chmod 2750 ${folder}; touch -d '2020-02-02 02:02:02.25' ${folder}`)
  const attributes = async (): Promise<object> => (({ mode, uid, gid, mtimeMs }) => ({ mode, uid, gid, mtimeMs }))(await stat(folder))
  const before = await attributes()
  expect(await world.drayWith(['restore', 'latest', 'web'], isStep('create the container'), 'SIGKILL')).toMatchObject({ met: true, exitCode: 137 })
  expect((await readdir(folder)).length).toBeGreaterThan(3)
  await writeFile(join(folder, 'mine'), 'not of the backup')

  const { exitCode, result } = await world.dray('clean')
  expect({ exitCode, result }).toMatchObject({ exitCode: 3, result: { left: [{ problem: expect.stringContaining('volume "web-data" holds "./mine", which the restore did not write') }] } })
  expect(await readdir(folder)).toContain('mine')
  await world.host.sh(`rm ${folder}/mine`)
  expect((await world.dray('clean')).exitCode).toBe(0)
  expect(await readdir(folder)).toEqual([])
  expect(await attributes()).toEqual(before)
  expect(await world.journals()).toEqual([])
}, 60_000)
