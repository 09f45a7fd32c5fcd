import { readFileSync } from 'node:fs'

/** The id of the container that this program runs in; undefined outside of containers, and where it cannot be known. */
export function ownContainer(): string | undefined {
  return containerIn(textOf('/proc/self/cgroup'), textOf('/proc/self/mountinfo'))
}

/**
 * By the control group, which says so where it is not hidden by a namespace of its own; else by what engines mount into every
 * container. A container that shares the network of another one has that one's files mounted, so they come second.
 */
export function containerIn(cgroup: string, mountinfo: string): string | undefined {
  return /\b([0-9a-f]{64})\b/.exec(cgroup)?.[1] ?? /\/containers\/([0-9a-f]{64})\/(?:hostname|hosts|resolv\.conf) \/etc\//.exec(mountinfo)?.[1]
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
