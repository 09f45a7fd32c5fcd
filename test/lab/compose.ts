import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { must, run, type CommandResult } from './command.ts'
import type { LabHost } from './host.ts'
import { currentRun } from './lab-run.ts'
import { withLock } from './lock.ts'
import { ensurePackages } from './packages.ts'
import { debianMirror } from './trees.ts'

/** What Debian has, by its release. */
export const composeVersions = { '2.26': 'trixie', '2.40': 'sid' } as const

export type ComposeVersion = keyof typeof composeVersions
export type Compose = (host: LabHost, folder: string, ...args: readonly string[]) => Promise<CommandResult>

/** Run on this machine against the host's engine. */
export function composeOf(version: ComposeVersion): Compose {
  return async (host, folder, ...args) => {
    const program = await composeProgram(version)
    return await run(program, ['--progress', 'plain', '--project-directory', folder, '--file', join(folder, 'compose.yaml'), ...args], { env: { PATH: process.env['PATH'], HOME: folder, DOCKER_HOST: `unix://${host.socket}` } })
  }
}

async function composeProgram(version: ComposeVersion): Promise<string> {
  const labRun = currentRun()
  if (labRun === undefined) throw new Error('compose is run against a host of the lab: start one first')
  const tree = join(labRun.dir, `compose-${version}`)
  const program = join(tree, 'usr/libexec/docker/cli-plugins/docker-compose')
  await withLock(tree, async () => {
    if (existsSync(program)) return
    await ensurePackages('mmdebstrap')
    await rm(`${tree}.new`, { recursive: true, force: true })
    await must('mmdebstrap', ['--quiet', '--variant=extract', '--include=docker-compose', '--aptopt=Acquire::Check-Valid-Until "false"', composeVersions[version], `${tree}.new`, await debianMirror()])
    await rename(`${tree}.new`, tree)
  })
  return program
}
