/** What to do about a repository that is damaged: only what can be done. */
import type { CheckedBackup, RepositoryReport } from '../integrity/check-repository.ts'
import type { FindingCode } from '../integrity/finding.ts'
import { formatCount, printable } from './format.ts'

/** They are about the list, and nothing is lost. */
const listCodes: readonly FindingCode[] = ['list-broken', 'list-differs', 'layout-broken', 'backup-doubled']

export function adviceFor({ backups, findings }: Pick<RepositoryReport, 'backups' | 'findings'>, hurt: readonly CheckedBackup[]): string[] {
  const isListWrong = findings.some(({ code }) => listCodes.includes(code))
  const losing = hurt.filter(({ losses }) => losses.length > 0 || !isListWrong)
  const followed = losing.filter(each => isFollowed(each, backups))
  const containers = [...new Set(losing.filter(each => !followed.includes(each)).flatMap(each => each.containers))].map(printable)
  return [
    ...(isListWrong ? ['next: dray doctor --repair'] : []),
    ...(containers.length === 0 ? [] : [`next: dray backup ${containers.join(' ')}, while the ${containers.length === 1 ? 'container is' : 'containers are'} there: it stores again what is missing`, 'then: dray verify tells what of the older backups is whole again']),
    ...wayToTheRest(losing),
    ...followedLines(followed),
  ]
}

/** Whether each of its containers has a newer backup that is whole. */
function isFollowed({ containers, created }: CheckedBackup, backups: readonly CheckedBackup[]): boolean {
  return containers.length > 0 && containers.every(name => backups.some(other => other.whole && other.created > created && other.containers.includes(name)))
}

function followedLines(followed: readonly CheckedBackup[]): string[] {
  const [first] = followed
  if (first === undefined) return []
  const names = [...new Set(followed.flatMap(({ containers }) => containers))].map(printable).join(', ')
  return [`a newer backup of ${names} is whole: when ${followed.length === 1 ? `${first.id} is` : `these ${formatCount(followed.length, 'backup')} are`} not needed any more, dray forget ${followed.map(({ id }) => id).join(' ')}`]
}

/** What is left of the newest of each kind. */
function wayToTheRest(losing: readonly CheckedBackup[]): string[] {
  const ofContainers = losing.filter(({ containers }) => containers.length > 0)
  const restorable = ofContainers.findLast(backup => !hasLost(backup, 'backup') && backup.containers.some(name => !hasLost(backup, 'container', name)))
  const readable = ofContainers.findLast(backup => !hasLost(backup, 'backup') && backup.containers.every(name => hasLost(backup, 'container', name)))
  const gone = ofContainers.findLast(backup => hasLost(backup, 'backup'))
  return [
    ...(restorable === undefined ? [] : [`to get back what is left of one: dray restore ${restorable.id} --skip-damaged`]),
    ...(readable === undefined ? [] : [`its data is there all the same: dray ls ${readable.id}, dray extract ${readable.id}:MOUNT -o FOLDER`]),
    ...(gone === undefined ? [] : [`of ${gone.id} nothing can be had any more: docs/recovery-by-hand.md, or dray forget ${gone.id}`]),
  ]
}

/** `lost: nothing but …` is no spec that is lost. */
function hasLost({ losses }: CheckedBackup, what: 'backup' | 'container', name?: string): boolean {
  return losses.some(loss => loss.what === what && (name === undefined || (loss.name === name && loss.lost === 'its spec')))
}
