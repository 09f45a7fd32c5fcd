import type { JournalEntry } from '../pipeline/journal.ts'

/** What putRight() did about an entry of a killed run, for the one who reads it afterwards. */
export function describeRemedy(entry: JournalEntry): string {
  switch (entry.did) {
    case 'paused':
      return `unpaused the container "${entry.name}" that a killed run had paused`
    case 'unpaused':
      return `paused the container "${entry.name}" again that a killed run had unpaused`
    case 'stopped':
      return `started the container "${entry.name}" that a killed run had stopped`
    case 'prepared container':
      return `ran the dray.post of the container "${entry.name}" that a killed run had prepared`
    case 'created container':
      return `removed the container "${entry.container}" that a killed run had created`
    case 'created image':
    case 'created tag':
      return `removed the image name "${entry.ref}" that a killed run had made`
    case 'moved tag':
      return `moved the image name "${entry.ref}" back to ${entry.was.slice(0, 19)}`
    case 'created volume':
      return `removed the volume "${entry.volume}" that a killed run had created`
    case 'created network':
      return `removed the network "${entry.network}" that a killed run had created`
    case 'superseded container':
      return `removed the container "${entry.name}" that was replaced`
    case 'superseded volume':
      return `removed the volume "${entry.volume}" that was moved to another host`
    case 'retired container':
      return `stopped the container "${entry.name}", whose place another one took, and took its restart policy away`
    case 'renamed container':
      return `gave a container its name "${entry.was}" back, which a killed run had taken`
    case 'replaced volume data':
      return `brought the old data of volume "${entry.volume}" back, from backup "${entry.backup}"`
    case 'filled volume':
      return `emptied the volume "${entry.volume}" again that a killed run had filled`
    case 'filled path':
      return `emptied "${entry.path}" again, which a killed run had filled`
    case 'created path':
      return `removed "${entry.path}", which a killed run had created on the host`
    case 'replaced path':
      return `brought the old content of "${entry.path}" back, from backup "${entry.backup ?? ''}"`
  }
}
