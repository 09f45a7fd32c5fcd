import { DrayError } from '../errors/dray-error.ts'
import type { PathStat } from './engine.ts'

/** The X-Docker-Container-Path-Stat header: base64 of JSON. `mode` is Go's os.FileMode. */
export function decodePathStat(header: string | string[] | undefined): PathStat {
  try {
    return JSON.parse(Buffer.from(String(header), 'base64').toString()) as PathStat
  } catch (cause) {
    throw new DrayError('refused', 'the engine sent no readable description of the path', { cause })
  }
}
