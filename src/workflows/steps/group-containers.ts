import type { ContainerSummary } from '../../engine/engine.ts'
import { groupLabel } from '../container-labels.ts'
import { projectLabel } from './choose-containers.ts'
import { connected } from './connected.ts'

/**
 * Consistency groups: what is frozen at one time, and is one backup. Together belong the containers of a compose project, those
 * with the same label `dray.group` (it takes the place of the project), and those that share a volume which one of them may write.
 */
export function groupContainers(chosen: readonly ContainerSummary[]): ContainerSummary[][] {
  const written = new Set(chosen.flatMap(each => volumesOf(each, ({ RW }) => RW)))
  return connected(chosen, each => [...namesOfGroup(each), ...volumesOf(each).filter(volume => written.has(volume))])
}

/** Groups in lanes: those of one lane have a volume in common, which none of them writes, and have their turns one after the other. */
export function lanesOf(groups: readonly (readonly ContainerSummary[])[]): (readonly ContainerSummary[])[][] {
  return connected(groups, group => group.flatMap(each => volumesOf(each)))
}

function namesOfGroup({ Labels }: ContainerSummary): string[] {
  const [group, project] = [Labels?.[groupLabel], Labels?.[projectLabel]]
  return group === undefined ? (project === undefined ? [] : [`project ${project}`]) : [`group ${group}`]
}

function volumesOf({ Mounts = [] }: ContainerSummary, which: (mount: { readonly RW: boolean }) => boolean = () => true): string[] {
  return Mounts.flatMap(({ Type, Name, RW }) => (Type === 'volume' && Name !== undefined && which({ RW }) ? [`volume ${Name}`] : []))
}
