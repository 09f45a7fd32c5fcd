import { backupPipeline } from '../../../src/workflows/backup.ts'
import { restorePipeline } from '../../../src/workflows/restore.ts'

const isLong = Boolean(process.env['DRAY_TEST_ALL'])

/** All of them in the long run; in the short one those at which most is at stake. */
export function chosen(steps: readonly string[], few: readonly string[]): string[] {
  const missing = few.filter(name => !steps.includes(name))
  if (missing.length > 0) throw new Error(`there is no step "${missing.join('", "')}" any more`)
  return steps.filter(name => isLong || few.includes(name))
}

/** Without those that happen only when they are asked for. */
const restoreSteps = restorePipeline.plan().filter(({ conditional }) => !conditional).map(({ name }) => name)

/** From here on a restore is not undone: the new container is live, or is a moment later. */
export const lastSteps = restoreSteps.slice(restoreSteps.indexOf('keep what was made'))

/** So short that what hits it may hit the next: either outcome is right. */
export const nearlyLast = 'compare it with the backup'

export const backupSteps = chosen(backupPipeline.plan().map(({ name }) => name), ['read its mounts', 'read what has changed, while it rests', 'store its writable layer', 'write the backup'])

export const undoableSteps = chosen(restoreSteps.filter(name => name !== nearlyLast && !lastSteps.includes(name)), ['bring its images', 'set aside what is replaced', 'write its data', 'create the container', 'give it its state'])
