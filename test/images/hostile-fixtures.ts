import type { ArchiveFixture } from './archive-fixtures.ts'
import { entriesOf, json, layers, layoutFiles, savedFiles, tarOf } from './example-image.ts'
import { base256, gzipStored, paxHeader, rawEntry, rawTar, zstdRaw } from './raw-tar.ts'

const whole = (): Buffer => tarOf(savedFiles())
const firstLayer = (): number => whole().indexOf(layers[0])
const end = Buffer.alloc(1024)
const flippedAt = (at: number): Buffer => {
  const bytes = whole()
  bytes[at]! ^= 1
  return bytes
}
const sized = (value: bigint): Buffer => Buffer.concat([rawEntry({ name: 'manifest.json', sizeField: base256(value) }), end])
const member = (name: string | Buffer): Buffer => rawTar([...entriesOf(savedFiles()), { name, data: Buffer.from('x') }])
const odd = (path: string): Buffer => Buffer.concat([...entriesOf(savedFiles()).map(rawEntry), rawEntry(paxHeader({ path })), rawEntry({ name: 'x' }), end])

export const hostileFixtures: readonly ArchiveFixture[] = [
  { name: 'cut-at-0', about: 'nothing', make: () => Buffer.alloc(0) },
  { name: 'cut-at-1', about: 'cut after one byte', make: () => whole().subarray(0, 1) },
  { name: 'cut-at-511', about: 'cut in the first header', make: () => whole().subarray(0, 511) },
  { name: 'cut-at-512', about: 'cut behind the first header', make: () => whole().subarray(0, 512) },
  { name: 'cut-in-layer', about: 'cut in a layer', make: () => whole().subarray(0, firstLayer() + 600) },
  { name: 'cut-between-members', about: 'cut where a member ends', make: () => whole().subarray(0, firstLayer() + layers[0].length) },
  { name: 'no-end-blocks', about: 'without the two blocks of zeros at the end', make: () => whole().subarray(0, -1024) },
  { name: 'one-end-block', about: 'with one block of zeros at the end', make: () => whole().subarray(0, -512) },
  { name: 'bit-in-header', about: 'one bit in a header', make: () => flippedAt(firstLayer() - 500) },
  { name: 'bit-in-padding', about: 'one bit in the padding behind a member, which no load reads', make: () => flippedAt(whole().length - 1024 - 1) },
  { name: 'garbage-behind', about: 'something follows the end', make: () => Buffer.concat([whole(), Buffer.from('garbage')]) },
  { name: 'second-tar-behind', about: 'a second tar follows the end', make: () => Buffer.concat([whole(), whole()]) },
  { name: 'engine-message', about: 'an engine failed, and its message is the end of the tar', make: () => Buffer.concat([whole().subarray(0, -1024), Buffer.from('{"errorDetail":{"message":"could not verify layer data"},"error":"could not verify layer data"}\r\n')]) },
  { name: 'engine-message-in-layer', about: 'an engine failed within a layer, and its message is the end of the tar', make: () => Buffer.concat([whole().subarray(0, firstLayer() + 100), Buffer.from('{"message":"unexpected EOF"}\n')]) },
  { name: 'outer-gzip-checksum', about: 'gzip around it, whose checksum is wrong', make: () => gzipStored(whole(), { crc: 5 }) },
  { name: 'outer-gzip-cut', about: 'gzip around it, cut', make: () => gzipStored(whole()).subarray(0, -700) },
  { name: 'outer-gzip-trailing', about: 'gzip around it, with bytes behind it', make: () => Buffer.concat([gzipStored(whole()), Buffer.from('trailing')]) },
  { name: 'zstd-in-gzip', about: 'zstd within gzip: engines unpack once', make: () => gzipStored(zstdRaw(whole())) },
  { name: 'size-negative', about: 'a negative size', make: () => sized(-5n) },
  { name: 'size-63', about: 'a size of 2^63', make: () => sized(2n ** 63n) },
  { name: 'size-10-gb', about: 'a size of ten gigabytes that are not there', make: () => sized(10_000_000_000n) },
  { name: 'size-huge', about: 'the largest size that base-256 has', make: () => sized(2n ** 94n) },
  { name: 'name-not-utf-8', about: 'a name that is not UTF-8', make: () => member(Buffer.from([0x66, 0xff, 0xfe])) },
  { name: 'name-with-newline', about: 'a name with line breaks and colours', make: () => member('a\nb\u001b[31m') },
  { name: 'name-300-bytes', about: 'a name of 300 bytes', make: () => odd('n'.repeat(300)) },
  { name: 'name-with-nul', about: 'a name with NUL, in a PAX header', make: () => odd('manifest.json\0x') },
  { name: 'name-out', about: 'a member that leads out of the archive', make: () => member('../../etc/cron.d/x') },
  { name: 'name-pax-override', about: 'a PAX header makes a harmless name manifest.json', make: () => Buffer.concat([...entriesOf(savedFiles()).map(rawEntry), rawEntry(paxHeader({ path: 'manifest.json' })), rawEntry({ name: 'harmless', data: Buffer.from('[]') }), end]) },
  { name: 'root-file-system', about: 'docker export', make: () => rawTar(['bin/', 'etc/', 'usr/', 'var/'].map(name => ({ name, type: '5' })).concat([{ name: 'etc/passwd', type: '0' }, { name: 'usr/x', type: '0' }])) },
  { name: 'volume', about: 'the tar of a volume', make: () => rawTar([{ name: './' , type: '5' }, { name: './data.db', data: Buffer.from('data') }]) },
  { name: 'empty-tar', about: 'a tar with nothing in it', make: () => end },
  { name: 'text', about: 'a text file', make: () => Buffer.from('hello\n') },
  { name: 'error-page', about: 'a web page in place of a download', make: () => Buffer.from('<!DOCTYPE html><title>404</title>') },
  { name: 'error-json', about: 'an error of an engine in place of the tar', make: () => Buffer.concat([json({ message: 'No such image' }), Buffer.from('\n')]) },
  { name: 'qcow', about: 'a disk image of QEMU', make: () => Buffer.concat([Buffer.from('QFI\u00fb\0\0\0\u0003', 'latin1'), Buffer.alloc(1000, 1)]) },
  { name: 'encrypted', about: 'a file encrypted with age', make: () => Buffer.from('age-encryption.org/v1\n-> X25519 abc\n') },
  { name: 'layout-in-folder', about: 'a layout in a folder of a tar', make: () => rawTar(entriesOf(layoutFiles()).map(entry => ({ ...entry, name: `image/${entry.name.toString()}` }))) },
]
