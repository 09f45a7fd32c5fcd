import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from '../lab/command.ts'

export type NodeVersion = { readonly path: string; readonly version: string }

export async function nodeAt(path: string): Promise<NodeVersion> {
  return { path, version: (await must(path, ['--version'])).trim() }
}

/**
 * The newest line of node with long-term support (lines with even numbers have it) from the npm registry, in `folder`. The
 * package for this platform holds the program itself, so that no install script has to run.
 */
export async function fetchNewestLts(folder: string): Promise<NodeVersion> {
  const name = `node-${process.platform}-${process.arch}`
  const versions = JSON.parse(await must('npm', ['view', name, 'versions', '--json'])) as string[]
  const even = versions.filter(version => /^\d+\.\d+\.\d+$/.test(version) && Number.parseInt(version) % 2 === 0)
  const newest = even.reduce((best, each) => (each.localeCompare(best, 'en', { numeric: true }) > 0 ? each : best), '0.0.0')
  await mkdir(folder, { recursive: true })
  await must('npm', ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${newest}`])
  return await nodeAt(join(folder, 'node_modules', name, 'bin/node'))
}
