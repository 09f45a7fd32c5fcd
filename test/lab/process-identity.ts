import { readFileSync } from 'node:fs'
import { waitUntil } from './wait.ts'

/** A process as `pid starttime`: a number that is used again does not pass for the old process. */
export type ProcessIdentity = string

/** Undefined when there is no such process, or only its zombie. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? undefined : `${pid} ${fields[19]!}`
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identityOf(Number.parseInt(identity)) === identity
}

/** Kills the process, if it is still the one that was meant, and waits until it is gone. */
export async function killAndWait(identity: ProcessIdentity): Promise<void> {
  if (!isAlive(identity)) return
  const pid = Number.parseInt(identity)
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    return
  }
  await waitUntil(() => !isAlive(identity), `the end of process ${pid}`)
}
