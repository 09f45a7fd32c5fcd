import { blockBytes, sealTarHeader } from './tar-header.ts'

const fieldsAt = { mode: 100, size: 124, magic: 257 } as const

/** An empty file of this name, mode 0644, owner 0, time 0. */
export function markerHeader(name: Buffer): Buffer {
  return Buffer.concat([extendedHeader(new Map([['path', name]])), headerBlock('marker', '0', 0)])
}

/** A whole archive of nothing but "./" with these attributes; the time as "seconds.nanoseconds". */
export function rootArchive({ mode, uid, gid, mtime }: { readonly mode: number; readonly uid: number; readonly gid: number; readonly mtime: string }): Buffer {
  const records = new Map(Object.entries({ uid, gid, mtime }).map(([name, value]) => [name, Buffer.from(String(value))]))
  return Buffer.concat([extendedHeader(records), headerBlock('./', '5', 0, mode), Buffer.alloc(2 * blockBytes)])
}

/** A whole archive of empty folders, mode 0755, owner 0. */
export function foldersArchive(names: readonly string[], mtime: Date): Buffer {
  const time = Buffer.from(String(Math.floor(mtime.getTime() / 1000)))
  const members = names.flatMap(name => [extendedHeader(new Map([['path', Buffer.from(`${name}/`)], ['mtime', time]])), headerBlock('folder/', '5', 0, 0o755)])
  return Buffer.concat([...members, Buffer.alloc(2 * blockBytes)])
}

/** The PAX records of the entry that follows; names have one character per byte (latin1). */
export function extendedHeader(records: ReadonlyMap<string, Buffer>): Buffer {
  const payload = Buffer.concat([...records].map(([name, value]) => recordOf(name, value)))
  return Buffer.concat([headerBlock('PaxHeaders/0', 'x', payload.length), payload, Buffer.alloc(-payload.length & (blockBytes - 1))])
}

/** A record begins with its own length, which counts its digits. */
function recordOf(name: string, value: Buffer): Buffer {
  const rest = name.length + value.length + 3
  let length = rest + String(rest).length
  if (rest + String(length).length > length) length++
  return Buffer.concat([Buffer.from(`${length} ${name}=`, 'latin1'), value, Buffer.from('\n')])
}

function headerBlock(name: string, type: string, size: number, mode = 0o644): Buffer {
  const block = Buffer.alloc(blockBytes)
  block.write(name)
  block.write(`${mode.toString(8).padStart(7, '0')}\0` + '0000000\0' + '0000000\0', fieldsAt.mode)
  block.write(`${size.toString(8).padStart(11, '0')}\0` + '00000000000\0' + ' '.repeat(8) + type, fieldsAt.size)
  block.write('ustar\x0000', fieldsAt.magic)
  return sealTarHeader(block)
}
