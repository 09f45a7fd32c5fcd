/** What a file that holds no image looks like, and what to do with it. */
import { compressionOf } from '../archive/codec.ts'

export type Appearance = { readonly what: string; readonly next: string }

const otherFile = 'choose another file: this is none that docker save writes'

type Signature = readonly [at: number, bytes: string, what: string, next?: string]

const signatures: readonly Signature[] = [
  [0, 'QFI\u00fb', 'a disk image of QEMU (qcow)', 'start it as a virtual machine'],
  [0, 'KDMV', 'a disk image of VMware', 'start it as a virtual machine'],
  [0, 'conectix', 'a disk image of Virtual PC', 'start it as a virtual machine'],
  [0, 'vhdxfile', 'a disk image of Hyper-V', 'start it as a virtual machine'],
  [510, '\u0055\u00aa', 'a disk image with a boot sector'],
  [0x438, '\u0053\u00ef', 'an ext2, ext3 or ext4 file system', 'mount it with: mount -o loop,ro FILE DIRECTORY'],
  [0x8001, 'CD001', 'an image of a CD or DVD (ISO 9660)', 'mount it with: mount -o loop,ro FILE DIRECTORY'],
  [0, 'hsqs', 'a squashfs file system', 'mount it with: mount -o loop,ro FILE DIRECTORY'],
  [0, 'LUKS\u00ba\u00be', 'an encrypted disk (LUKS)', 'open it with cryptsetup'],
  [0, 'age-encryption.org/', 'a file encrypted with age', 'decrypt it first: age --decrypt FILE | dray verify -'],
  [0, '-----BEGIN AGE ENCRYPTED', 'a file encrypted with age', 'decrypt it first: age --decrypt FILE | dray verify -'],
  [0, '-----BEGIN PGP MESSAGE', 'a file encrypted with PGP', 'decrypt it first: gpg --decrypt FILE | dray verify -'],
  [0, 'Salted__', 'a file encrypted with openssl', 'decrypt it first with openssl enc -d'],
  [0, '\u0004\u0022\u004d\u0018', 'lz4 data', 'unpack it first: lz4 -dc FILE | dray verify -'],
  [0, 'LZIP', 'lzip data', 'unpack it first: lzip -dc FILE | dray verify -'],
  [0, '\u001f\u009d', 'data of compress(1)', 'unpack it first: gzip -dc FILE | dray verify -'],
  [0, 'PK\u0003\u0004', 'a zip archive', 'unpack it, and verify the tar in it if there is one'],
  [0, '7z\u00bc\u00af\u0027\u001c', 'a 7z archive', 'unpack it, and verify the tar in it if there is one'],
  [0, 'Rar!', 'a rar archive', 'unpack it, and verify the tar in it if there is one'],
  [0, '!<arch>', 'a Debian package or an ar archive'],
  [0, '\u00ed\u00ab\u00ee\u00db', 'an RPM package'],
  [0, '070701', 'a cpio archive'],
  [0, '\u007fELF', 'a program'],
  [0, 'SQLite format 3', 'an SQLite database'],
  [0, '%PDF', 'a PDF document'],
  [0, '\u0089PNG', 'a picture'],
  [0, '\u00ff\u00d8\u00ff', 'a picture'],
]

/** `head`: its first bytes, some 64 KiB, after the outer compression. */
export function appearanceOf(head: Buffer): Appearance {
  if (head.length === 0) return { what: 'empty: it has no bytes', next: 'save the image again' }
  if (head.every(byte => byte === 0)) return { what: 'nothing but zeros', next: 'save the image again: this may be a file whose content was lost in a crash' }
  const packed = compressionOf(head)
  if (packed !== 'none') return { what: `${packed} data within the compression: engines unpack only once`, next: 'unpack it once, and verify what comes out' }
  const found = signatures.find(([at, bytes]) => head.toString('latin1', at, at + bytes.length) === bytes)
  if (found !== undefined) return { what: found[2], next: found[3] ?? otherFile }
  return textOf(head) ?? { what: 'no tar, and of no known kind: it may be encrypted or damaged', next: otherFile }
}

function textOf(head: Buffer): Appearance | undefined {
  if (head.includes(0)) return undefined
  const text = head.toString().trimStart()
  if (/^<(?:!doctype|html|head|\?xml)/i.test(text)) return { what: 'a web page, or XML', next: 'the download gave a page instead of the file: read it, and download again' }
  if (/^[{[]/.test(text)) return { what: 'a JSON document', next: 'if an engine or a registry wrote it, it may be an error message: read it' }
  return text.slice(0, 4000).includes('\ufffd') ? undefined : { what: 'a text file', next: otherFile }
}

/** A tar without images, by the names in it: all of them, or as many as tell. */
export function appearanceOfTar({ names, count }: { readonly names: readonly string[]; readonly count: number }, isDamaged: boolean): Appearance {
  if (count === 0 && isDamaged) return { what: 'a damaged tar', next: otherFile }
  if (count === 0) return { what: 'an empty tar', next: 'save the image again' }
  const tops = new Set(names.map(name => name.split('/')[0] ?? ''))
  if (['etc', 'usr', 'bin', 'var', 'lib'].filter(each => tops.has(each)).length >= 2) return { what: 'the root file system of a container or system, as docker export writes it', next: 'make an image of it with: docker import FILE NAME' }
  if (names.some(isImagePart)) return { what: 'a tar with parts of an image, without manifest.json and index.json', next: 'save the image again from where it came from' }
  const inside = names.some(isImagePartBelow) ? names.find(name => /(?:^|\/)(?:manifest\.json|index\.json)$/.test(name)) : undefined
  if (inside !== undefined) return { what: `a tar with an image in the folder "${inside.slice(0, inside.lastIndexOf('/'))}"`, next: 'make the tar again from inside that folder' }
  return { what: `a tar of ${count} ${count === 1 ? 'file' : 'files'}`, next: 'it may be the data of a volume: look into it with tar --list' }
}

/** `names`: those of the documents of images that are there. */
export function appearanceOfDirectory(names: readonly string[]): Appearance {
  if (names.length === 0) return { what: 'a directory without an image: neither index.json nor manifest.json is in it', next: 'name the folder that holds one of them, or the file itself' }
  return { what: `a directory with ${names.join(' and ')}, without manifest.json and index.json`, next: 'save or copy the image again from where it came from' }
}

/** Whether it is a name that only archives of images have. */
export function isImagePart(name: string): boolean {
  return /^(?:[0-9a-f]{64}\/(?:layer\.tar|json|VERSION)$|blobs\/sha256\/|(?:sha256:)?[0-9a-f]{64}(?:\.json|\.tar|\.tar\.gz)?$|oci-layout$|repositories$|manifest\.json$|index\.json$)/.test(name)
}

/** Whether the damaged header of a tar may have had such a name. */
export function mayNameImagePart(header: Buffer): boolean {
  return /^(?:blobs|manifest\.json|index\.json|oci-layout)|[0-9a-f]{24}/.test(header.toString('latin1', 0, 100))
}

function isImagePartBelow(name: string): boolean {
  const slash = name.indexOf('/')
  return slash > 0 && isImagePart(name.slice(slash + 1))
}
