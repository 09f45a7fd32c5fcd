import { allocateMember, beginRun, currentRun, endRun, removeDeadRuns, removeMember, type LabRun } from './lab-run.ts'

/** A place in the run for one host or registry: its directory, and the last number of its address. */
export type Membership = { readonly labRun: LabRun; readonly number: number; readonly dir: string; release(): Promise<void> }

let ownRun: Promise<LabRun> | undefined
let ownMembers = 0

/** Joins the run that this process or a parent began. Without one, a run is begun here, and ends with its last member. */
export async function joinRun(): Promise<Membership> {
  const isOwn = ownRun !== undefined || currentRun() === undefined
  if (isOwn) ownMembers++
  if (isOwn) ownRun ??= removeDeadRuns().then(beginRun)
  const labRun = await ownRun ?? currentRun()!
  const { number, dir } = await allocateMember(labRun)
  let released: Promise<void> | undefined
  const release = async () => {
    await removeMember(dir)
    if (!isOwn || --ownMembers > 0) return
    ownRun = undefined
    await endRun(labRun)
  }
  return { labRun, number, dir, release: () => released ??= release() }
}
