import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeFileAtomically } from '../files/atomic-file.ts'
import { makeFolder } from '../files/make-folder.ts'
import type { RegistryName } from './reference.ts'

const mostNames = 64

/** The names that were pushed to or pulled from before, newest first: from these a registry can take blobs over. Only a cache. */
export async function readKnownNames(file: string, registry: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n')
  return lines.filter(line => line.startsWith(`${registry}/`)).map(line => line.slice(registry.length + 1)).filter(name => name !== '')
}

export async function noteKnownName(file: string, { registry, name }: RegistryName): Promise<void> {
  const line = `${registry}/${name}`
  const others = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(each => each !== '' && each !== line)
  try {
    await makeFolder(dirname(file))
    await writeFileAtomically(file, `${[line, ...others].slice(0, mostNames).join('\n')}\n`)
  } catch {
    // it only saves work
  }
}
