import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, constants, lstatSync, openSync, readSync, readdirSync, readlinkSync } from 'node:fs'

/** One entry with everything that a backup must keep; `name` is the path in latin1 (a character a byte). */
export type SnapshotEntry = {
  readonly name: string
  readonly type: string
  readonly mode: string
  readonly owner: string
  readonly mtime: string
  readonly size?: number
  readonly content?: string
  readonly sparse?: boolean
  readonly target?: string
  readonly device?: string
  /** The first name (in byte order) of the inode, when it has several. */
  readonly linkedTo?: string
  readonly xattrs: Readonly<Record<string, string>>
}

/** Every entry of the tree but sockets, in byte order, with all attributes: two equal trees have equal snapshots. Needs getfattr and root. */
export function snapshotTree(root: string): SnapshotEntry[] {
  const xattrs = readXattrs(root)
  const first = new Map<bigint, string>()
  return walk(Buffer.from(root), Buffer.from('.')).flatMap(path => {
    const full = Buffer.concat([Buffer.from(`${root}/`), path])
    const stat = lstatSync(full, { bigint: true })
    const name = path.toString('latin1')
    const type = stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : stat.isFIFO() ? 'fifo' : stat.isCharacterDevice() ? 'char' : stat.isBlockDevice() ? 'block' : 'socket'
    if (type === 'socket') return []
    const linkedTo = type !== 'directory' && stat.nlink > 1n ? (first.get(stat.ino) ?? name) : undefined
    if (linkedTo === name) first.set(stat.ino, name)
    return [{
      name,
      type,
      mode: (Number(stat.mode) & 0o7777).toString(8),
      owner: `${stat.uid.toString()}:${stat.gid.toString()}`,
      mtime: stat.mtimeNs.toString(),
      ...(type === 'file' && { size: Number(stat.size), content: sha256(full), sparse: stat.blocks * 512n < stat.size }),
      ...(type === 'symlink' && { target: readlinkSync(full, 'latin1') }),
      ...((type === 'char' || type === 'block') && { device: stat.rdev.toString(16) }),
      ...(linkedTo !== undefined && { linkedTo }),
      xattrs: xattrs.get(name) ?? {},
    }]
  })
}

/** What differs, one line a field: empty means that the trees are equal. */
export function diffSnapshots(before: readonly SnapshotEntry[], after: readonly SnapshotEntry[]): string[] {
  const then = new Map(before.map(entry => [entry.name, entry]))
  const now = new Map(after.map(entry => [entry.name, entry]))
  const lines = [...then.keys()].filter(name => !now.has(name)).map(name => `${show(name)}: missing`)
  for (const [name, entry] of now) {
    const old = then.get(name)
    if (!old) lines.push(`${show(name)}: new`)
    else {
      const fields = new Set([...Object.keys(old), ...Object.keys(entry)]) as Set<keyof SnapshotEntry>
      for (const field of fields) {
        const [was, is] = [JSON.stringify(old[field]), JSON.stringify(entry[field])]
        if (was !== is) lines.push(`${show(name)}: ${field} was ${was}, is ${is}`)
      }
    }
  }
  return lines
}

const show = (name: string) => JSON.stringify(name.length > 80 ? `${name.slice(0, 40)}…${name.slice(-30)}` : name)

function walk(root: Buffer, path: Buffer): Buffer[] {
  const full = Buffer.concat([root, Buffer.from('/'), path])
  if (!lstatSync(full).isDirectory()) return [path]
  const children = readdirSync(full, { encoding: 'buffer' }).sort((a, b) => a.compare(b))
  return [path, ...children.flatMap(child => walk(root, Buffer.concat([path, Buffer.from('/'), child])))]
}

function sha256(path: Buffer): string {
  const hash = createHash('sha256')
  const file = openSync(path, constants.O_RDONLY)
  const block = Buffer.allocUnsafe(1 << 20)
  try {
    for (let read = readSync(file, block); read > 0; read = readSync(file, block)) hash.update(block.subarray(0, read))
  } finally {
    closeSync(file)
  }
  return hash.digest('hex')
}

/** All extended attributes of all namespaces (ACLs and capabilities among them), by the entry's name, in hex. */
function readXattrs(root: string): Map<string, Record<string, string>> {
  const text = execFileSync('getfattr', ['--recursive', '--physical', '--no-dereference', '--dump', '--match=-', '--encoding=hex', '.'], { cwd: root, maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] }).toString('latin1')
  const found = new Map<string, Record<string, string>>()
  for (const block of text.split('\n\n')) {
    const [header, ...lines] = block.split('\n').filter(line => line !== '')
    if (!header) continue
    const name = header.replace(/^# file: /, '').replace(/\\([0-7]{3}|\\)/g, (_, code: string) => (code === '\\' ? '\\' : String.fromCharCode(Number.parseInt(code, 8))))
    const pairs = lines.map(line => [line.split('=')[0]!, line.slice(line.indexOf('=') + 1)] as const).sort(([a], [b]) => (a < b ? -1 : 1))
    found.set(name === '.' ? '.' : `./${name}`, Object.fromEntries(pairs))
  }
  return found
}
