import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, linkSync, lutimesSync, mkdirSync, openSync, closeSync, ftruncateSync, writeSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'

export type OddTreeOptions = { readonly sparseBytes?: number; readonly deviceNodes?: boolean; readonly trusted?: boolean; readonly pre1970?: boolean }

/**
 * Fills `root` (an existing directory; needs root) with every kind of entry that a volume can hold, and makes the root
 * itself odd: mode 0700, owner 999. Needs setfacl, setfattr, setcap, mknod and mkfifo.
 */
export async function makeOddTree(root: string, { sparseBytes = 300 * 1024 * 1024, deviceNodes = true, trusted = true, pre1970 = true }: OddTreeOptions = {}): Promise<void> {
  const at = (name: string) => `${root}/${name}`
  const raw = (name: Buffer) => Buffer.concat([Buffer.from(`${root}/`), name])
  const run = (...[program, ...args]: [string, ...string[]]) => execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })

  writeFileSync(at('plain'), 'plain\n')
  writeFileSync(at('empty'), '')
  mkdirSync(at('empty-dir'))
  mkdirSync(at('sticky'))
  chmodSync(at('sticky'), 0o1777)
  mkdirSync(at('setgid-dir'))
  chownSync(at('setgid-dir'), 5, 50)
  chmodSync(at('setgid-dir'), 0o2775)
  for (const [name, mode] of [['setuid', 0o4755], ['setgid', 0o2755], ['unreadable', 0o000], ['setuid-linked', 0o6711]] as const) {
    writeFileSync(at(name), name)
    chownSync(at(name), 33, 33)
    chmodSync(at(name), mode)
  }
  linkSync(at('setuid-linked'), at('setuid-linked-2'))
  mkdirSync(at('closed'))
  writeFileSync(at('closed/inside'), 'inside')
  mkdirSync(at('a'))
  writeFileSync(at('a/x'), 'x')
  writeFileSync(at('a-b'), 'sorts between a and a/x')

  mkdirSync(at('links'))
  writeFileSync(at('links/one'), 'three names')
  linkSync(at('links/one'), at('links/two'))
  linkSync(at('links/one'), at('empty-dir-link'))
  symlinkSync('plain', at('links/dangling'))
  symlinkSync('../plain', at('links/relative'))
  symlinkSync('../../../../etc/passwd', at('links/outside'))
  symlinkSync('/etc/hostname', at('links/absolute'))
  symlinkSync('/nowhere/at/all', at('links/absolute-dangling'))
  symlinkSync('.', at('links/itself'))
  symlinkSync('t'.repeat(1000), at('links/long-target'))
  run('chown', '-h', '1234:4321', at('links/absolute'))
  linkSync(at('links/relative'), at('links/relative-hard'))

  makeSparse(at('sparse'), sparseBytes)
  makeSparse(at('all-hole'), 0, 5 * 1024 * 1024)
  writeFileSync(at('zeros'), Buffer.alloc(200_000))

  writeFileSync(at('xattrs'), 'xattrs')
  run('setfattr', '-n', 'user.text', '-v', 'a value', at('xattrs'))
  run('setfattr', '-n', 'user.binary', '-v', '0x00ff0a803d0d00', at('xattrs'))
  run('setfattr', '-n', 'user.empty', at('xattrs'))
  run('setfattr', '-n', 'user.directory', '-v', 'on a directory', at('setgid-dir'))
  if (trusted) run('setfattr', '-n', 'trusted.drayage', '-v', '0x01ff', at('xattrs'))

  mkdirSync(at('acl'))
  writeFileSync(at('acl/before'), 'made before the default ACL')
  run('setfacl', '-m', 'u:33:rwx,g:3000000:r,m:rx', at('acl/before'))
  run('setfacl', '-d', '-m', 'u:99:rx,g:50:rwx', at('acl'))
  writeFileSync(at('acl/after'), 'inherits')
  mkdirSync(at('acl/after-dir'))
  writeFileSync(at('acl/bare'), 'no ACL below a default ACL')
  run('setfacl', '-b', at('acl/bare'))

  writeFileSync(at('capable'), 'capable')
  chownSync(at('capable'), 7, 7)
  run('setcap', 'cap_net_raw,cap_setuid+ep', at('capable'))
  writeFileSync(at('big-ids'), 'ids above 2^21')
  chownSync(at('big-ids'), 3_000_000, 4_294_967_293)

  run('mkfifo', '-m', '640', at('fifo'))
  if (deviceNodes) {
    run('mknod', '-m', '600', at('char'), 'c', '1', '3')
    run('mknod', '-m', '660', at('block'), 'b', '259', '70000')
  }
  await leaveSocket(at('socket'))

  for (const name of oddNames) writeFileSync(raw(name), name)
  mkdirSync(raw(Buffer.from('-dir\nwith\xff', 'latin1')))
  writeFileSync(raw(Buffer.from('-dir\nwith\xff/in side', 'latin1')), 'in side')
  const deep = Array.from({ length: 15 }, () => 'd'.repeat(200)).join('/')
  mkdirSync(at(deep), { recursive: true })
  writeFileSync(at(`${deep}/bottom`), 'bottom')

  run('touch', '-h', '-d', '2001-02-03 04:05:06.123456789Z', at('plain'), at('links/absolute'), at('links/relative'))
  if (pre1970) run('touch', '-d', '1960-01-02 03:04:05.987654321Z', at('empty'))
  run('touch', '-d', '2150-06-07 08:09:10.000000001Z', at('zeros'))
  run('touch', '-d', '1999-12-31 23:59:59.999999999Z', at('empty-dir'), at('a'), at('closed'))
  chmodSync(at('closed'), 0o500)
  chownSync(root, 999, 999)
  chmodSync(root, 0o700)
  lutimesSync(root, 1_000_000_000.25, 1_000_000_000.25)
}

export const oddNames: readonly Buffer[] = [
  Buffer.from('new\nline'), Buffer.from('bad\xff\xfeutf8', 'latin1'), Buffer.from('n'.repeat(255)), Buffer.from('-leading-dash'), Buffer.from('--files-from=x'),
  Buffer.from('back\\slash'), Buffer.from('\\n'), Buffer.from(' spaces  and\ttabs '), Buffer.from('colon: Cannot stat'), Buffer.from('*?[a]'), Buffer.from('"quotes\''),
  Buffer.from('...'), Buffer.from('ümläut-é'), Buffer.from('\x01\x7f\x1b[31m', 'latin1'), Buffer.from('@LongLink'), Buffer.from('trailing '),
]

/** Data at the start, in the middle and, with `bytes` of holes between, at the end. */
function makeSparse(path: string, bytes: number, holeAfter = 0): void {
  const file = openSync(path, 'w')
  try {
    if (bytes > 0) {
      writeSync(file, 'start', 0)
      writeSync(file, Buffer.alloc(70_000, 7), 0, 70_000, Math.floor(bytes / 3 / 4096) * 4096)
      writeSync(file, 'end', bytes)
    }
    ftruncateSync(file, bytes + 3 + holeAfter)
  } finally {
    closeSync(file)
  }
}

/** A socket whose process is gone stays in the directory: libuv removes it on close, so it is kept by a hard link. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ path: `${path}~` }, resolve))
  linkSync(`${path}~`, path)
  await new Promise<void>(resolve => server.close(() => resolve()))
}
