import '../../one-realm.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { isProvedDead, parseOwnerToken, thisProcess, toOwnerToken, type Owner } from '../../../src/files/owner.ts'
import { removeDeadTemporaries, temporaryName } from '../../../src/files/temporary-name.ts'

const bootId = '00000000-1111-2222-3333-444444444444'

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  return child.pid!
}

test('this process is alive', () => {
  expect(isProvedDead(thisProcess())).toBe(false)
})

test('dead: no such pid, another start time, another boot', async () => {
  expect(isProvedDead({ ...thisProcess(), pid: await deadPid() })).toBe(true)
  expect(isProvedDead({ ...thisProcess(), startTime: '1' })).toBe(true)
  expect(isProvedDead({ ...thisProcess(), machine: 'm', bootId })).toBe(false)
  if (thisProcess().machine !== '') expect(isProvedDead({ ...thisProcess(), bootId })).toBe(true)
})

test.each<[string, Partial<Owner>]>([
  ['another host', { host: 'elsewhere' }],
  ['another machine of the same name', { machine: 'ffffffffffffffff' }],
  ['another pid namespace', { pidNamespace: '1' }],
  ['an unknown pid namespace', { pidNamespace: '' }],
  ['an unknown boot', { bootId: '' }],
])('never proved dead: %s', async (_, change) => {
  expect(isProvedDead({ ...thisProcess(), pid: await deadPid(), ...change })).toBe(false)
})

test('an owner survives being a part of a file name', () => {
  expect(parseOwnerToken(toOwnerToken(thisProcess()))).toEqual(thisProcess())
  expect(parseOwnerToken('something')).toBeUndefined()
  expect(parseOwnerToken(toOwnerToken({ ...thisProcess(), host: 'else/where' }))?.host).toBe('else_where')
})

test('only temporaries of the dead are removed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dray-owner-'))
  const own = temporaryName()
  const token = toOwnerToken(thisProcess())
  const dead = own.replace(token, toOwnerToken({ ...thisProcess(), startTime: '1' }))
  const foreign = own.replace(token, toOwnerToken({ ...thisProcess(), host: 'elsewhere' }))
  for (const name of [own, dead, foreign, '.drayage-x-y.tmp', 'other']) await mkdir(join(folder, name, 'sub'), { recursive: true })
  expect(await removeDeadTemporaries(folder)).toEqual([dead])
  expect((await readdir(folder)).sort()).toEqual([own, foreign, '.drayage-x-y.tmp', 'other'].sort())
  await rm(folder, { recursive: true })
})
