import type { ContainerSummary } from '../../engine/engine.ts'
import { groupLabel } from '../container-labels.ts'
import { projectLabel } from './choose-containers.ts'

/**
 * Consistency groups: what is frozen at one time, and is one backup. Together belong the containers of a compose project, those
 * with the same label `dray.group` (it takes the place of the project), and those that share a volume which one of them may write.
 */
export function groupContainers(chosen: readonly ContainerSummary[]): ContainerSummary[][] {
  const groups = new Map<string, ContainerSummary[]>(chosen.map(each => [each.Id, [each]]))
  const join = (members: readonly ContainerSummary[]): void => {
    const all = [...new Set(members.flatMap(({ Id }) => groups.get(Id) ?? []))]
    for (const { Id } of all) groups.set(Id, all)
  }
  for (const { members } of [...byKey(chosen, namesOfGroup), ...byKey(chosen, volumesOf).filter(isWritten)]) join(members)
  return [...new Set(groups.values())].map(group => chosen.filter(each => group.includes(each)))
}

function namesOfGroup({ Labels }: ContainerSummary): string[] {
  const [group, project] = [Labels?.[groupLabel], Labels?.[projectLabel]]
  return group === undefined ? (project === undefined ? [] : [`project ${project}`]) : [`group ${group}`]
}

function volumesOf({ Mounts = [] }: ContainerSummary): string[] {
  return Mounts.flatMap(({ Type, Name }) => (Type === 'volume' && Name !== undefined ? [Name] : []))
}

function byKey(chosen: readonly ContainerSummary[], keysOf: (each: ContainerSummary) => readonly string[]): { readonly key: string; readonly members: readonly ContainerSummary[] }[] {
  const found = new Map<string, ContainerSummary[]>()
  for (const each of chosen) for (const key of keysOf(each)) found.set(key, [...(found.get(key) ?? []), each])
  return [...found].map(([key, members]) => ({ key, members }))
}

function isWritten({ key, members }: { readonly key: string; readonly members: readonly ContainerSummary[] }): boolean {
  return members.some(({ Mounts = [] }) => Mounts.some(({ Type, Name, RW }) => Type === 'volume' && Name === key && RW))
}
