import { currentRun, endRun } from './lab-run.ts'

/** Removes everything that the tests started, and fails the run if something is left. */
// eslint-disable-next-line no-restricted-syntax -- jest wants a default export
export default async function globalTeardown(): Promise<void> {
  const labRun = currentRun()
  if (labRun !== undefined) await endRun(labRun)
}
