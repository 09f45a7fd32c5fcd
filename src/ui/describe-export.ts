import { hasZstdLayers, type ExportedImage, type ImageUse } from '../workflows/steps/exported-images.ts'
import type { ExportPlan } from '../workflows/export-backups.ts'
import { formatBytes, formatCount, printable } from './format.ts'
import { renderTable } from './table.ts'

/** What is in the file, which name runs what, and what to do with it. */
export function exportText(file: string | undefined, bytes: number, { backups, images, blobs }: ExportPlan, width: number): string {
  const name = file === undefined ? undefined : printable(file)
  const held = [...(backups.length === 0 ? [] : [formatCount(backups.length, 'backup')]), formatCount(images.length, 'image'), formatCount(blobs.size, 'blob')].join(', ')
  return [
    `${name ?? 'what was written'}: ${held}, ${formatBytes(bytes)}`,
    ...backups.map(({ id, containers }) => `  backup ${id}${containers.length === 0 ? ' of images' : ` of ${containers.join(', ')}`}`),
    ...(images.length === 0 ? [] : ['', renderTable([
      { title: 'IMAGE', value: ({ names }) => names.join(', '), shrink: true },
      { title: 'IS', value: ({ uses }) => describeUses(uses), shrink: true },
    ], images, width)]),
    ...(images.some(hasZstdLayers) ? ['', 'Docker before 23.0 cannot load it: layers are compressed with zstd, as they came'] : []),
    ...(name === undefined ? [] : ['', ...(images.length === 0 ? [] : [`docker load -i ${name} gives these images to any engine`]), ...(backups.length === 0 ? [] : [`dray import ${name} gives the whole to another repository`])]),
  ].join('\n')
}

export function exportJson(file: string | undefined, bytes: number, { backups, images, blobs, blobBytes }: ExportPlan): object {
  return {
    file: file ?? null, bytes, blobs: blobs.size, blobBytes,
    backups: backups.map(({ descriptor, ...facts }) => ({ ...facts, digest: descriptor.digest })),
    images: images.map(({ descriptor, names, uses, stored }) => ({ names, digest: descriptor.digest, config: stored.manifest.config.digest, platform: [stored.platform.os, stored.platform.architecture].join('/'), uses })),
  }
}

/** "web, as it was": those of one kind together. */
function describeUses(uses: ExportedImage['uses']): string {
  const containers = (roles: readonly string[]): string[] => [...new Set(uses.filter(({ role }) => roles.includes(role)).map(({ container = '?' }) => container))]
  const said = (list: readonly string[], words: (names: string) => string): string[] => (list.length === 0 ? [] : [words(list.join(', '))])
  return [
    ...said(containers(['commit']), names => `${names} with what it wrote`),
    ...said(containers(['flattened']), names => `${names} in one layer: its image was gone`),
    ...said(containers(['changed']), names => `${names} with the changes that were asked for`),
    ...said(containers(['original']), names => `what ${names} was made from`),
    ...(uses.some(isAlone) ? ['an image alone'] : []),
  ].join('; ')
}

function isAlone({ role }: ImageUse): boolean {
  return role === 'image'
}
