import { viaFile } from '../workflows/routes/via-file.ts'
import { viaRegistry } from '../workflows/routes/via-registry.ts'
import { streamImage, type ImageRoute } from '../workflows/steps/stream-image.ts'
import type { Via } from './migrate-options.ts'

/** The way that images take from engine to engine. */
export function chooseRoute(via: Via, env: NodeJS.ProcessEnv): ImageRoute {
  switch (via.kind) {
    case 'stream':
      return streamImage
    case 'registry':
      return viaRegistry(via.where, env)
    case 'file':
      return viaFile(via.where)
  }
}
