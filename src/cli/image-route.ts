import { streamImage, type ImageRoute } from '../workflows/steps/stream-image.ts'
import type { CommandContext } from './command.ts'
import type { Via } from './migrate-options.ts'

/** The way that images take from engine to engine. */
export async function chooseRoute(via: Via, context: CommandContext): Promise<ImageRoute> {
  void via
  void context
  return streamImage
}
