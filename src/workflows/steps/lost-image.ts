import { DrayError } from '../../errors/dray-error.ts'

/** An engine that sent an image without all its parts, and called that a success. */
export class IncompleteImage extends DrayError {
  constructor(message: string) {
    super('damaged', message, { hints: ['pull or load the image again, then run the same command again'] })
  }
}

/** The engines' words for an image that is gone, or that has lost its content or a layer. */
const words = [
  /no such image/i,
  /reference does not exist/i,
  /content digest sha256:[0-9a-f]+: not found/i,
  /image with reference .* (was found but|does not)/i,
  /failed to get (digest|layer|image|manifest|parent)/i,
  /layer (\S+ )?does not exist/i,
  /could not verify layer data|file integrity checksum failed/i,
  /unable to find image/i,
  /empty export - not implemented/i,
  /blob(s)? .*not found/i,
]

/** Whether an image cannot be had from its engine any more, so that its container has to be stored flattened. */
export function isImageLost(error: unknown): boolean {
  for (let each = error; each instanceof DrayError; each = each.cause) {
    const { message } = each
    if (each instanceof IncompleteImage || words.some(phrase => phrase.test(message))) return true
  }
  return false
}
