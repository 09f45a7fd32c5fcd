import { createRequire } from 'node:module'
import type { Duplex } from 'node:stream'
import * as zlib from 'node:zlib'

/** What node:zlib has from Node.js 22.15 on; the types we build with are older. */
export type ZlibWithZstd = {
  zstdCompressSync(plain: Buffer, options: object): Buffer
  zstdDecompressSync(stored: Buffer, options: object): Buffer
  createZstdDecompress(options?: object): Duplex & { readonly bytesWritten: number }
  constants: { ZSTD_c_compressionLevel: number }
}

/** The prebuilt package. */
type NativePackage = {
  Encoder: new (level: number) => { encodeSync(plain: Buffer): Buffer }
  Decoder: new () => { decodeSync(stored: Buffer): Buffer }
}

/** node:zlib where it can do zstd. */
export function zlibWithZstd(): ZlibWithZstd | undefined {
  return 'zstdCompress' in zlib ? (zlib as unknown as ZlibWithZstd) : undefined
}

let loaded: { readonly native: NativePackage | undefined } | undefined

/** The prebuilt native package where it runs on this machine. */
export function nativeZstd(): NativePackage | undefined {
  loaded ??= { native: loadNative() }
  return loaded.native
}

function loadNative(): NativePackage | undefined {
  try {
    return createRequire(import.meta.url)('@toondepauw/node-zstd') as NativePackage
  } catch {
    return undefined
  }
}
