import { DrayError } from './dray-error.ts'
import { errnoOf } from './system-error.ts'

/** What disks and file systems say of content that they have lost. */
const lostContent = ['EIO', 'EBADMSG', 'EUCLEAN', 'ENODATA', 'EILSEQ']

/** Content that is damaged, or that the disk has lost; not what may not be read, or could not for another reason. */
export function isLostContent(thrown: unknown): boolean {
  if (thrown instanceof DrayError) return thrown.code === 'damaged' || isLostContent(thrown.cause)
  return lostContent.includes(errnoOf(thrown) ?? '')
}
