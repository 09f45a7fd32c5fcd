import { readFileSync } from 'node:fs'

/** Throws, saying why, where no host can be started. */
export function requireRoot(): void {
  if (process.platform !== 'linux') throw new Error('the lab needs Linux: it starts engines in namespaces')
  if (process.getuid?.() !== 0) throw new Error('the lab needs root: it makes namespaces and mounts, and starts engines in them')
  if (!/\toverlay$/m.test(readFileSync('/proc/filesystems', 'utf8'))) throw new Error('the lab needs the overlay file system: try "modprobe overlay"')
}
