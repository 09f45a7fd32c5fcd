import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, closeSync, existsSync, lstatSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { localShell } from '../../../src/engine/local-shell.ts'
import { hostTools } from '../../../src/mounts/host-tools.ts'
import type { ListedEntry, MountTarget } from '../../../src/mounts/mount-access.ts'
import { toolReader } from '../../../src/mounts/tool-reader.ts'
import { toolWriter } from '../../../src/mounts/tool-writer.ts'
import { makeOddTree, oddNames } from '../../trees/odd-tree.ts'
import { diffSnapshots, snapshotTree } from '../../trees/snapshot-tree.ts'

const signal = new AbortController().signal
const { shell, close } = localShell(process.env)
let base: string
let source: string
let target: string
const mounted: string[] = []

afterAll(close)

beforeEach(() => {
  base = mkdtempSync('/var/tmp/dray-mounts-')
  source = `${base}/source`
  target = `${base}/target`
  mkdirSync(source)
  mkdirSync(target)
})

afterEach(() => {
  for (const path of mounted.splice(0).reverse()) execFileSync('umount', [path])
  rmSync(base, { recursive: true, force: true })
})

const directory = (path: string): MountTarget => ({ kind: 'directory', path })
const readerOf = (mount: MountTarget) => toolReader(hostTools(shell, mount))
const writerOf = (mount: MountTarget) => toolWriter(hostTools(shell, mount))
async function allOf(batches: AsyncIterable<readonly ListedEntry[]>): Promise<ListedEntry[]> {
  const entries: ListedEntry[] = []
  for await (const batch of batches) entries.push(...batch)
  return entries
}
const bytesOf = async (tar: Readable) => Buffer.concat((await tar.toArray()) as Buffer[])
const namesOf = (entries: readonly ListedEntry[]) => entries.map(entry => entry.path.toString('latin1'))
async function* batches(...names: (string | Buffer)[][]) {
  for (const batch of names) yield await Promise.resolve(batch.map(name => Buffer.from(name as string, 'latin1')))
}

describe('an odd tree', () => {
  test('comes back equal in every attribute, twice with the same bytes', async () => {
    await makeOddTree(source)
    const before = snapshotTree(source)
    await using reader = readerOf(directory(source))
    await using writer = writerOf(directory(target))
    const first = reader.stream(undefined, signal)
    const digest = createHash('sha256')
    async function* hashed() {
      for await (const chunk of first.tar as AsyncIterable<Buffer>) {
        digest.update(chunk)
        yield chunk
      }
    }
    expect(await writer.write(Readable.from(hashed(), { objectMode: false }), signal)).toEqual({ problems: [] })
    expect(await first.problems).toEqual([])
    expect(diffSnapshots(before, snapshotTree(target))).toEqual([])
    expect(before.some(entry => entry.sparse && entry.size! > 300_000_000)).toBe(true)
    expect(lstatSync(`${target}/sparse`).blocks).toBeLessThan(1000)

    const again = createHash('sha256')
    for await (const chunk of reader.stream(undefined, signal).tar as AsyncIterable<Buffer>) again.update(chunk)
    expect(again.digest('hex')).toBe(digest.digest('hex'))
  })

  test('is listed in byte order with what stat says', async () => {
    await makeOddTree(source, { sparseBytes: 10_000_000 })
    await using reader = readerOf(directory(source))
    const entries = await allOf(reader.list(signal))
    const names = namesOf(entries)
    expect(names).toEqual(names.toSorted((a, b) => Buffer.from(a, 'latin1').compare(Buffer.from(b, 'latin1'))))
    expect(names[0]).toBe('.')
    for (const name of oddNames) expect(names).toContain(`./${name.toString('latin1')}`)
    for (const entry of entries) {
      const stat = lstatSync(Buffer.concat([Buffer.from(`${source}/`), entry.path]), { bigint: true })
      const seconds = (ns: bigint) => `${((ns - (((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)) / 1_000_000_000n).toString()}.${(((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).toString().padStart(9, '0')}`
      expect({ ...entry, path: '' }).toMatchObject({
        path: '', size: Number(stat.size), mode: Number(stat.mode) & 0o7777, uid: Number(stat.uid), gid: Number(stat.gid),
        mtime: seconds(stat.mtimeNs), ctime: seconds(stat.ctimeNs), inode: stat.ino.toString(), links: Number(stat.nlink),
      })
    }
    expect(entries.find(entry => entry.path.equals(Buffer.from('./socket')))?.type).toBe('s')
    expect(new Set(entries.map(entry => entry.type))).toEqual(new Set(['f', 'd', 'l', 'p', 'c', 'b', 's']))
  })

  test('is emptied without touching the root', async () => {
    await makeOddTree(source, { sparseBytes: 1000 })
    await using writer = writerOf(directory(source))
    expect(await writer.isEmpty(signal)).toBe(false)
    const { ino } = statSync(source)
    await writer.empty(signal)
    expect(await writer.isEmpty(signal)).toBe(true)
    expect(statSync(source).ino).toBe(ino)
  })
})

test('what tar wrote and ended before anybody reads its stream is not lost', async () => {
  writeFileSync(`${source}/a`, 'x'.repeat(10_000))
  let ended: Promise<unknown> = Promise.resolve()
  const watched: typeof shell = { ...shell, start: (argv, options) => {
    const child = shell.start(argv, options)
    ended = new Promise(resolve => child.stderr.once('close', resolve))
    return child
  } }
  await using reader = toolReader(hostTools(watched, directory(source)))
  const { tar, problems } = reader.stream(batches(['.', './a']), signal)
  await new Promise(resolve => setImmediate(resolve))
  await ended
  expect((await bytesOf(tar)).length).toBeGreaterThan(10_000)
  expect(await problems).toEqual([])
})

describe('a host whose login shell says things on stderr before the program', () => {
  const noisy: typeof shell = { ...shell, start: (argv, options) => shell.start(['sh', '-c', 'echo "tool: cannot rehash" >&2; exec "$@"', 'sh', ...argv], options) }

  test('is read, listed and written as any other', async () => {
    writeFileSync(`${source}/a`, 'a')
    await using reader = toolReader(hostTools(noisy, directory(source)))
    await using writer = toolWriter(hostTools(noisy, directory(target)))
    expect(namesOf(await allOf(reader.list(signal)))).toEqual(['.', './a'])
    expect(await writer.isEmpty(signal)).toBe(true)
    const { tar, problems } = reader.stream(undefined, signal)
    expect(await writer.write(tar, signal)).toEqual({ problems: [] })
    expect(await problems).toEqual([])
    expect(readFileSync(`${target}/a`, 'utf8')).toBe('a')
  })
})

describe('reading', () => {
  test('gives the paths that were asked for, in that order, while they are still being asked for', async () => {
    for (const name of ['a', 'b', 'c']) writeFileSync(`${source}/${name}`, Buffer.alloc(300_000, name))
    let release: () => void = () => undefined
    const held = new Promise<void>(resolve => (release = resolve))
    async function* slowly() {
      yield [Buffer.from('./c')]
      await held
      yield [Buffer.from('./a')]
    }
    await using reader = readerOf(directory(source))
    const { tar, problems } = reader.stream(slowly(), signal)
    const chunks: Buffer[] = []
    for await (const chunk of tar as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      if (chunks.length === 1) release()
    }
    expect(await problems).toEqual([])
    expect(execFileSync('tar', ['-t', '--ignore-zeros'], { input: Buffer.concat(chunks) }).toString()).toBe('./c\n./a\n')
  })

  test('lists files that vanished, shrank or could not be read, and reads the rest', async () => {
    const big = 64 << 20
    for (const name of ['1-shrinks', '2-grows']) writeFileSync(`${source}/${name}`, Buffer.alloc(big, 1))
    for (const name of ['3-gone\n', '4-stays']) writeFileSync(`${source}/${name}`, name)
    await using reader = readerOf(directory(source))
    const { tar, problems } = reader.stream(batches(['./1-shrinks'], ['./2-grows'], ['./3-gone\n', './4-stays']), signal)
    await new Promise(resolve => tar.once('readable', resolve))
    truncateSync(`${source}/1-shrinks`, 1000)
    appendFileSync(`${source}/2-grows`, 'more')
    unlinkSync(`${source}/3-gone\n`)
    const names = execFileSync('tar', ['-tv', '--ignore-zeros', '--quoting-style=escape'], { input: await bytesOf(tar), maxBuffer: 1 << 28 }).toString()
    expect((await problems).map(({ path, problem }) => `${problem} ${path.toString()}`)).toEqual(expect.arrayContaining(['shrank ./1-shrinks', 'vanished ./3-gone\n']))
    expect(names).toContain('./4-stays')
    expect(names).not.toContain('3-gone')
  })

  test('fails when tar is killed, when the paths fail, and when the signal fires', async () => {
    writeFileSync(`${source}/big`, Buffer.alloc(32 << 20, 1))
    await using reader = readerOf(directory(source))
    async function* failing() {
      yield [Buffer.from('./big')]
      await Promise.resolve()
      throw new Error('the table of contents is damaged')
    }
    const broken = reader.stream(failing(), signal)
    await expect(bytesOf(broken.tar)).rejects.toThrow('the table of contents is damaged')
    await expect(broken.problems).rejects.toThrow('the table of contents is damaged')

    const controller = new AbortController()
    const aborted = reader.stream(undefined, controller.signal)
    await new Promise(resolve => aborted.tar.once('readable', resolve))
    controller.abort(new Error('stop now'))
    await expect(bytesOf(aborted.tar)).rejects.toThrow('stop now')
    await expect(aborted.problems).rejects.toThrow('stop now')

    const left = reader.stream(undefined, signal)
    await new Promise(resolve => left.tar.once('readable', resolve))
    left.tar.destroy()
    await expect(left.problems).rejects.toThrow('read "')
  })

  test('a missing mount point is an error that names it', async () => {
    await using reader = readerOf(directory(`${source}/nowhere`))
    await expect(allOf(reader.list(signal))).rejects.toThrow(`"${source}/nowhere" on this machine`)
    await expect(bytesOf(reader.stream(batches(['.']), signal).tar)).rejects.toThrow(`"${source}/nowhere" on this machine`)
    await expect(reader.sync(signal)).rejects.toThrow(`"${source}/nowhere" on this machine`)
  })

  test('mounts inside are named, not crossed, whatever device they are on', async () => {
    mkdirSync(`${base}/elsewhere`)
    writeFileSync(`${base}/elsewhere/secret`, '')
    for (const name of ['same device', 'tmpfs', 'tmpfs-not']) mkdirSync(`${source}/${name}`)
    writeFileSync(`${source}/file`, '')
    writeFileSync(`${source}/tmpfs-not/kept`, '')
    execFileSync('mount', ['--bind', `${base}/elsewhere`, `${source}/same device`])
    execFileSync('mount', ['-t', 'tmpfs', 'none', `${source}/tmpfs`])
    execFileSync('mount', ['--bind', `${base}/elsewhere/secret`, `${source}/file`])
    mounted.push(`${source}/same device`, `${source}/tmpfs`, `${source}/file`)
    writeFileSync(`${source}/tmpfs/secret`, '')
    await using reader = readerOf(directory(source))
    expect(namesOf(await allOf(reader.list(signal)))).toEqual(['.', './same device', './tmpfs', './tmpfs-not', './tmpfs-not/kept'])
    expect(reader.nested.map(String)).toEqual(['./file', './same device', './tmpfs'])
    await using writer = writerOf(directory(source))
    await expect(writer.empty(signal)).rejects.toMatchObject({ code: 'conflict' })
    expect(existsSync(`${base}/elsewhere/secret`)).toBe(true)
  })

  test('sync gives the clock from before it', async () => {
    await using reader = readerOf(directory(source))
    const before = Date.now() / 1000
    const clock = await reader.sync(signal)
    expect(clock).toMatch(/^\d+\.\d{9}$/)
    expect(Number(clock)).toBeGreaterThanOrEqual(before - 0.001)
    expect(Number(clock)).toBeLessThanOrEqual(Date.now() / 1000)
  })
})

describe('writing', () => {
  test('a hostile tar writes nothing outside', async () => {
    const outside = `${base}/outside`
    mkdirSync(outside)
    const build = `${base}/hostile.py`
    writeFileSync(build, `import tarfile, sys
t = tarfile.open(sys.argv[1], 'w')
def entry(name, type=tarfile.REGTYPE, link=''):
    i = tarfile.TarInfo(name); i.type = type; i.linkname = link; t.addfile(i)
entry('./absolute', tarfile.SYMTYPE, ${JSON.stringify(outside)}); entry('./absolute/a')
entry('./relative', tarfile.SYMTYPE, '../outside'); entry('./relative/b')
entry('./one', tarfile.SYMTYPE, 'two'); entry('./two', tarfile.SYMTYPE, '../outside'); entry('./one/c')
entry('./../outside/d'); entry(${JSON.stringify(`${outside}/e`)})
entry('./hard', tarfile.LNKTYPE, '../outside-file')
t.close()`)
    writeFileSync(`${base}/outside-file`, '')
    execFileSync('python3', [build, `${base}/hostile.tar`])
    await using writer = writerOf(directory(target))
    await expect(writer.write(Readable.from([readFileSync(`${base}/hostile.tar`)]), signal)).rejects.toMatchObject({ code: 'io-failed' })
    expect(readdirSync(outside)).toEqual([])
    expect(statSync(`${base}/outside-file`).nlink).toBe(1)
    expect(readlinkSync(`${target}/absolute`)).toBe(outside)
  })

  test('the root loses a default ACL that its children would inherit', async () => {
    writeFileSync(`${source}/file`, '')
    execFileSync('setfacl', ['-m', 'u:77:rwx', '-m', 'd:u:77:rwx', target])
    await using reader = readerOf(directory(source))
    await using writer = writerOf(directory(target))
    await writer.write(reader.stream(undefined, signal).tar, signal)
    expect(diffSnapshots(snapshotTree(source), snapshotTree(target))).toEqual([])
  })

  test('a cut, an empty and a foreign stream are errors; the source\'s own error is kept', async () => {
    writeFileSync(`${source}/file`, Buffer.alloc(100_000, 1))
    await using reader = readerOf(directory(source))
    await using writer = writerOf(directory(target))
    const tar = await bytesOf(reader.stream(undefined, signal).tar)
    await expect(writer.write(Readable.from([tar.subarray(0, 50_000)]), signal)).rejects.toThrow(/Unexpected EOF in archive/)
    await expect(writer.write(Readable.from([Buffer.from('not a tar at all')]), signal)).rejects.toThrow(/tar/)
    async function* failing() {
      yield await Promise.resolve(tar.subarray(0, 50_000))
      throw new Error('chunk 5 is damaged')
    }
    await expect(writer.write(Readable.from(failing()), signal)).rejects.toThrow('chunk 5 is damaged')
  })

  test('what the target refuses is a problem, the rest is written', async () => {
    writeFileSync(`${source}/file`, 'data')
    execFileSync('setfattr', ['-n', 'user.x', '-v', '1', `${source}/file`])
    execFileSync('mount', ['-t', 'ramfs', 'none', target])
    mounted.push(target)
    await using reader = readerOf(directory(source))
    await using writer = writerOf(directory(target))
    const { problems } = await writer.write(reader.stream(undefined, signal).tar, signal)
    expect(problems.join()).toMatch(/'user\.x' .* '\.\/file': Operation not supported$/)
    expect(readFileSync(`${target}/file`, 'utf8')).toBe('data')
  })

  test('a full disk is said as such', async () => {
    writeFileSync(`${source}/file`, Buffer.alloc(2 << 20, 1))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', target])
    mounted.push(target)
    await using reader = readerOf(directory(source))
    await using writer = writerOf(directory(target))
    await expect(writer.write(reader.stream(undefined, signal).tar, signal)).rejects.toThrow(/no space left on device/)
  })

  test('lost+found of a file system does not count', async () => {
    execFileSync('sh', ['-c', 'truncate -s 8M "$1" && mkfs.ext4 -q "$1" && mount -o loop "$1" "$2"', 'sh', `${base}/disk`, target])
    mounted.push(target)
    await using writer = writerOf(directory(target))
    expect(await writer.isEmpty(signal)).toBe(true)
    writeFileSync(`${target}/file`, '')
    expect(await writer.isEmpty(signal)).toBe(false)
    await writer.empty(signal)
    expect(readdirSync(target)).toEqual(['lost+found'])
    await using other = writerOf(directory(source))
    mkdirSync(`${source}/lost+found`)
    expect(await other.isEmpty(signal)).toBe(false)
  })
})

describe('a single file', () => {
  const file = (path: string): MountTarget => ({ kind: 'file', path })

  test('is one entry, and keeps its inode when written in place', async () => {
    writeFileSync(`${source}/my file.conf`, 'new content')
    execFileSync('setfattr', ['-n', 'user.x', '-v', '1', `${source}/my file.conf`])
    execFileSync('sh', ['-c', 'chown 33:44 "$1"; chmod 4640 "$1"; touch -d "2001-02-03 04:05:06.123456789Z" "$1"', 'sh', `${source}/my file.conf`])
    writeFileSync(`${source}/other`, '')
    writeFileSync(`${target}/my file.conf`, 'old and longer content')
    execFileSync('setfacl', ['-m', 'u:77:rwx', `${target}/my file.conf`])
    const { ino } = statSync(`${target}/my file.conf`)
    const held = openSync(`${target}/my file.conf`, 'r')
    await using reader = readerOf(file(`${source}/my file.conf`))
    expect(namesOf(await allOf(reader.list(signal)))).toEqual(['./my file.conf'])
    await using writer = writerOf(file(`${target}/my file.conf`))
    expect(await writer.isEmpty(signal)).toBe(false)
    expect(await writer.write(reader.stream(undefined, signal).tar, signal)).toEqual({ problems: [] })
    expect(statSync(`${target}/my file.conf`).ino).toBe(ino)
    expect(readFileSync(held, 'utf8')).toBe('new content')
    closeSync(held)
    expect(readdirSync(target)).toEqual(['my file.conf'])
    rmSync(`${source}/other`)
    const [, before] = snapshotTree(source)
    const [, after] = snapshotTree(target)
    expect(after).toEqual(before)
    await writer.empty(signal)
    expect(statSync(`${target}/my file.conf`)).toMatchObject({ ino, size: 0 })
    expect(await writer.isEmpty(signal)).toBe(true)
  })

  test('a cut stream leaves the old content', async () => {
    writeFileSync(`${source}/f`, Buffer.alloc(100_000, 1))
    writeFileSync(`${target}/f`, 'old')
    await using reader = readerOf(file(`${source}/f`))
    await using writer = writerOf(file(`${target}/f`))
    const tar = await bytesOf(reader.stream(undefined, signal).tar)
    await expect(writer.write(Readable.from([tar.subarray(0, 50_000)]), signal)).rejects.toThrow(/Unexpected EOF/)
    expect(readFileSync(`${target}/f`, 'utf8')).toBe('old')
    expect(readdirSync(target)).toEqual(['f'])
  })

  test('is made when it is missing', async () => {
    writeFileSync(`${source}/f`, 'content')
    await using reader = readerOf(file(`${source}/f`))
    await using writer = writerOf(file(`${target}/f`))
    expect(await writer.isEmpty(signal)).toBe(true)
    await writer.empty(signal)
    await writer.write(reader.stream(batches(['./f']), signal).tar, signal)
    expect(readFileSync(`${target}/f`, 'utf8')).toBe('content')
  })

  test('a symbolic link in its place is not followed', async () => {
    writeFileSync(`${source}/f`, 'content')
    writeFileSync(`${base}/outside-file`, 'untouched')
    symlinkSync('../outside-file', `${target}/f`)
    await using reader = readerOf(file(`${source}/f`))
    await using writer = writerOf(file(`${target}/f`))
    await writer.write(reader.stream(undefined, signal).tar, signal)
    expect(readFileSync(`${target}/f`, 'utf8')).toBe('content')
    expect(readFileSync(`${base}/outside-file`, 'utf8')).toBe('untouched')
  })
})

test('closing the stream early ends the programs', async () => {
  writeFileSync(`${source}/big`, Buffer.alloc(32 << 20, 1))
  await using reader = readerOf(directory(source))
  const { tar, problems } = reader.stream(undefined, signal)
  tar.once('data', () => tar.destroy())
  await finished(tar).catch(() => undefined)
  await expect(problems).rejects.toThrow()
})
