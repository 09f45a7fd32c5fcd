import { streamImage, type ImageRoute } from '../workflows/steps/stream-image.ts'
import { DrayError } from '../errors/dray-error.ts'
import type { Via } from './migrate-options.ts'

/** The way that images take from engine to engine. */
export function chooseRoute(via: Via): ImageRoute {
  switch (via.kind) {
    case 'stream':
      return streamImage
    case 'registry':
    case 'file':
      throw new DrayError('usage', `--via ${via.kind}=${via.where} is not supported yet`, { hints: ['leave --via out: images go from engine to engine'] })
  }
}
