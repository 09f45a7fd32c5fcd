import { stat } from 'node:fs/promises'
import { dirname, resolve, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FileHandle } from 'node:fs/promises'
import { archiveFormats, formatOfName, type ArchiveFormat } from '../archive/archive-format.ts'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { removeDeadTemporaries } from '../files/temporary-name.ts'

/** Where an export goes: a file, which is there whole or not at all, or stdout. */
export type ExportTarget = { readonly format: ArchiveFormat; readonly file: string | undefined }

const stdoutName = '-'
/** The disk begins to write while more is read: a sync at the end alone would take as long as all of the rest. */
const syncedBytes = 64 * 1024 * 1024

/** Throws `usage` when it cannot be told what to write, or where. */
export function readExportTarget(output: string, wanted: string | undefined, { json, repository }: { readonly json: boolean; readonly repository: string }): ExportTarget {
  const format = archiveFormats.find(each => each === wanted) ?? formatOfName(output)
  if (output === stdoutName) {
    if (process.stdout.isTTY) throw new DrayError('usage', 'a terminal shows nothing of a tar', { hints: ['name a file: -o FILE.tar', 'or send it on: dray export … -o - | ssh HOST dray import -'] })
    if (json) throw new DrayError('usage', 'with -o - the tar itself goes to stdout: there is no place for --json', { hints: ['name a file: -o FILE.tar'] })
    return { format: format ?? 'tar', file: undefined }
  }
  if (format === undefined) throw new DrayError('usage', `"${output}" does not say what it is to be`, { hints: ['end its name with .tar, .tar.gz or .tar.zst', `or say it with --format ${archiveFormats.join('|')}`] })
  const file = resolve(output)
  if (`${file}${sep}`.startsWith(`${resolve(repository)}${sep}`)) throw new DrayError('usage', `"${output}" lies in the repository itself`, { hints: ['name a file somewhere else'] })
  return { format, file }
}

/** Throws before anything is read when the file cannot be written there. What a killed export left beside it is removed. */
export async function prepareTarget({ file }: ExportTarget): Promise<void> {
  if (file === undefined) return
  const found = await stat(file).catch((thrown: unknown) => {
    if (errnoOf(thrown) !== 'ENOENT') throw fromSystemError(thrown, 'cannot write', file)
    return undefined
  })
  if (found !== undefined && !found.isFile()) throw new DrayError('conflict', `"${file}" is ${found.isDirectory() ? 'a directory' : 'not a regular file'}`, { hints: ['name another file', 'or let it come out of stdout with: -o -'] })
  const folder = dirname(file)
  await stat(folder).catch((thrown: unknown) => {
    throw errnoOf(thrown) === 'ENOENT' ? new DrayError('not-found', `there is no folder "${folder}"`, { hints: [`mkdir -p "${folder}"`] }) : fromSystemError(thrown, 'cannot write into', folder)
  })
  await removeDeadTemporaries(folder)
}

/** Resolves with the bytes that were written. Whatever goes wrong, what was at the file's place stays as it was. */
export async function writeExport({ file }: ExportTarget, content: AsyncIterable<Buffer>, tar: Readable, signal: AbortSignal): Promise<number> {
  let bytes = 0
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of content) {
      signal.throwIfAborted()
      yield piece
      bytes += piece.length
    }
  }
  try {
    if (file !== undefined) await writeFileAtomically(file, handle => writePieces(handle, counted()))
    else await pipeline(counted(), process.stdout, { signal, end: false })
  } catch (thrown) {
    signal.throwIfAborted()
    throw errnoOf(thrown) === undefined ? thrown : errnoOf(thrown) === 'EPIPE' ? new DrayError('io-failed', 'who reads from stdout has ended before the end', { cause: thrown, hints: ['see what the next program in the pipe says'] }) : fromSystemError(thrown, 'cannot write', file ?? 'stdout')
  } finally {
    tar.destroy()
  }
  return bytes
}

async function writePieces(file: FileHandle, content: AsyncIterable<Buffer>): Promise<void> {
  let unsynced = 0
  let syncing: Promise<void> = Promise.resolve()
  for await (const piece of content) {
    for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten
    unsynced += piece.length
    if (unsynced < syncedBytes) continue
    unsynced = 0
    await syncing
    syncing = file.datasync()
    // it is awaited before the next one, and at the end
    syncing.catch(() => undefined)
  }
  await syncing
}
