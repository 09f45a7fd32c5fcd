import type { ReaderKind } from '../mounts/mount-access.ts'
import type { MountDescription } from '../store/mount-manifest.ts'
import type { CaptureReport, ContentFacts } from './mount-content.ts'
import type { PlannedMount } from './steps/plan-mounts.ts'

/** What a backup says of a mount, beside its data. Paths that are not UTF-8 lose what is not in the messages only. */
export type DescribedMount = ContentFacts & {
  readonly id: string
  /** `dump`: what a command in the container wrote, which is mounted nowhere. */
  readonly kind: 'volume' | 'directory' | 'file' | 'dump'
  /** The volume's name, or the path on the host; of a dump the container's name. */
  readonly source: string
  readonly label: string
  readonly anonymous: boolean
  readonly driver?: string
  readonly options?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly destinations: readonly { readonly path: string; readonly readOnly: boolean }[]
  readonly reader: ReaderKind
  /** What the reader could not keep. */
  readonly losses: readonly string[]
  /** Entries that could not be read as they should have been. */
  readonly problems: readonly { readonly path: string; readonly problem: string; readonly detail: string }[]
}

export function describeMount(mount: PlannedMount, reader: { readonly kind: ReaderKind; readonly losses: readonly string[] }, { facts, problems }: CaptureReport): DescribedMount {
  const { id, label, anonymous, driver, options, labels, destinations, target } = mount
  return {
    id,
    kind: target.kind,
    source: target.kind === 'volume' ? target.name : target.path,
    label,
    anonymous,
    ...(driver === undefined ? {} : { driver, options: options ?? {}, labels: labels ?? {} }),
    destinations,
    reader: reader.kind,
    losses: reader.losses,
    problems: problems.map(({ path, problem, detail }) => ({ path: path.toString(), problem, detail })),
    ...facts,
  }
}

/** As it is stored. */
export function toMountDescription(described: DescribedMount): MountDescription {
  return JSON.parse(JSON.stringify(described)) as MountDescription
}

export function fromMountDescription(description: MountDescription): DescribedMount {
  return description as unknown as DescribedMount
}

/** The name that an engine gives an anonymous volume: 64 digits. */
export function isHexName(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name)
}
