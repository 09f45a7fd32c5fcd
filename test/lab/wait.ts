import { setTimeout as sleep } from 'node:timers/promises'

/** Looks again every 20 ms until the condition holds. Rejects after the deadline, naming what was waited for. */
export async function waitUntil(condition: () => boolean | Promise<boolean>, what: string, deadlineMs = 30_000): Promise<void> {
  const end = Date.now() + deadlineMs
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${deadlineMs / 1000} s for ${what}`)
    await sleep(20)
  }
}
