import { beginRun, removeDeadRuns } from './lab-run.ts'

/** Cheap: hosts, their network and packages come with the first startHost. */
// eslint-disable-next-line no-restricted-syntax -- jest wants a default export
export default async function globalSetup(): Promise<void> {
  await removeDeadRuns()
  await beginRun()
}
