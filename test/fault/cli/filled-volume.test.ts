import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { DrayProcess, isStep } from './dray-process.ts'
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

test('a new volume that a container of the user\'s has meanwhile is not written, whatever the container is called', async () => {
  await world.removeAll()
  await world.fresh()
  await world.makeWeb()
  expect((await world.dray('backup', 'web')).exitCode).toBe(0)
  await world.removeAll()
  let created: Promise<string> | undefined
  const { ended } = new DrayProcess(['restore', 'latest', 'web'], world.env, (event, running) => {
    if (created !== undefined || !isStep('write its data')(event)) return
    running.kill('SIGSTOP')
    created = world.docker('create', '--name', 'drayage-mine', '-v', 'web-data:/data', 'box:1').finally(() => running.kill('SIGCONT'))
  })
  const { exitCode, result } = await ended
  await created
  expect({ exitCode, result }).toMatchObject({ exitCode: 41, result: { error: { message: expect.stringContaining('container "drayage-mine" has volume "web-data" by now'), leftBehind: [{ problem: expect.stringContaining('volume is in use') }] } } })
  expect((await world.inventory()).containers).toEqual([expect.stringContaining(' drayage-mine created ')])
}, 60_000)
