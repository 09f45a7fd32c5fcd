/**
 * A sign of life for those who cannot see this process, because they are in another container: a socket beside what it holds, on
 * which it listens as long as it lives. The kernel sees to the end of that, whoever ends it. Of another kernel it says nothing.
 */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { errnoOf } from '../errors/system-error.ts'
import { isInContainer, isProvedDead, thisProcess, type Owner } from './owner.ts'

const suffix = '.life'
/** Of a socket's path, in bytes. */
const longestPath = 107
/** A socket that nobody listens on yet looks like one that nobody listens on any more. */
const longestStartMs = 60_000

const signs = new Map<string, Promise<string | undefined>>()

/** This process, as what is written into the folder names it. Where numbers of processes are the machine's own nobody needs a sign. */
export async function ownerIn(folder: string): Promise<Owner> {
  if (!isInContainer()) return thisProcess()
  const known = signs.get(folder) ?? makeSign(folder)
  signs.set(folder, known)
  const life = await known
  return life === undefined ? thisProcess() : { ...thisProcess(), life }
}

/** True only if the owner of what is in the folder cannot be alive. */
export async function isDead(owner: Owner, folder: string): Promise<boolean> {
  if (isProvedDead(owner)) return true
  const { life, bootId } = owner
  if (life === undefined || !/^[0-9a-f]+\.life$/.test(life) || bootId === '' || bootId !== thisProcess().bootId) return false
  return !(await isListenedOn(join(folder, life)))
}

/** Undefined where the file system has no sockets, or the path is too long: then nothing is proved by it. */
async function makeSign(folder: string): Promise<string | undefined> {
  const name = `${randomBytes(8).toString('hex')}${suffix}`
  const path = join(folder, name)
  if (Buffer.byteLength(path) > longestPath) return undefined
  await removeOld(folder)
  const server = createServer(socket => socket.destroy())
  const listens = await new Promise<boolean>(resolve => {
    server.once('error', () => resolve(false))
    server.listen(path, () => resolve(true))
  })
  if (!listens || !(await isListenedOn(path))) return undefined
  server.unref()
  process.once('exit', () => rmSync(path, { force: true }))
  return name
}

/** A sign that is not there any more is that of a dead process too: each is made before it is named, and goes last. */
async function isListenedOn(path: string): Promise<boolean> {
  return await new Promise(resolve => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (thrown: Error) => resolve(!['ECONNREFUSED', 'ENOENT'].includes(errnoOf(thrown) ?? '')))
  })
}

async function removeOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if (!name.endsWith(suffix) || (await isListenedOn(path))) continue
    const made = await stat(path).catch(() => undefined)
    if (made !== undefined && Date.now() - made.mtimeMs > longestStartMs) await rm(path, { force: true })
  }
}
