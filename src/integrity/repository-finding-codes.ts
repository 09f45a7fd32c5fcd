import type { FindingMeaning } from './finding-codes.ts'

const backUpAgain = 'back the containers up again with dray backup: what is still the same there is stored again, for the older backups as well'
const storedWrong = 'back the containers up again with dray backup, and keep the older backups that are whole'

/** What the check of a repository can say besides findingCodes. docs/repository-checks.md is checked against this table. */
export const repositoryFindingCodes = {
  'list-broken': { severity: 'error', meaning: 'index.json, the list of the backups, is missing or cannot be read', remedy: 'dray doctor --repair builds it again from what is stored' },
  'layout-broken': { severity: 'error', meaning: 'oci-layout is missing or broken, so that other tools do not see an image layout', remedy: 'dray doctor --repair writes it again' },
  'backup-unlisted': { severity: 'warning', meaning: 'a backup is stored and does not stand on the list: the list is an older one, or a run was killed at its very end', remedy: 'dray doctor --repair puts it on the list' },
  'backup-doubled': { severity: 'error', meaning: 'two backups on the list have one id, and only the first can be chosen by it', remedy: 'dray doctor --repair gives one of them another id' },
  'list-differs': { severity: 'error', meaning: 'the list says something else of a backup than the backup itself', remedy: 'dray doctor --repair takes it from the backup' },
  'blob-missing': { severity: 'error', meaning: 'a blob that a backup needs is not there', remedy: backUpAgain },
  'blob-size': { severity: 'error', meaning: 'a blob has another size than the backups say', remedy: backUpAgain },
  'blob-differs': { severity: 'error', meaning: 'a blob does not have the content that its name says', remedy: backUpAgain },
  'blob-unreadable': { severity: 'error', meaning: 'the disk cannot read a blob any more', remedy: 'look into the kernel log and check the disk; copy the repository to another one before you rely on it' },
  'blob-not-a-file': { severity: 'error', meaning: 'what should be a blob is no file', remedy: backUpAgain },
  'blob-unsteady': { severity: 'warning', meaning: 'a blob was damaged when it was read, and sound when it was read once more', remedy: 'check disk and memory of the machine, unless something else was repairing the repository just then' },
  'blob-put-back': { severity: 'note', meaning: 'a blob that was missing had been moved aside, is sound, and is back in its place', remedy: 'nothing has to be done' },
  'document-broken': { severity: 'error', meaning: 'an index, manifest or config is stored as it was written, and is not what it has to be', remedy: storedWrong },
  'reference-missing': { severity: 'error', meaning: 'a backup names an image or a mount that it does not hold', remedy: storedWrong },
  'spec-newer': { severity: 'warning', meaning: 'the spec of a container is of a newer format than this dray knows: its references were not compared', remedy: 'update dray: npm install --global drayage' },
  'mount-inconsistent': { severity: 'error', meaning: 'the parts, chunks and table of contents of a mount do not fit together', remedy: storedWrong },
  'chunk-damaged': { severity: 'error', meaning: 'a chunk has the digest of its name, but cannot be unpacked or is not the chunk that the backups mean', remedy: backUpAgain },
  'toc-broken': { severity: 'error', meaning: 'a part of a table of contents is stored as it was written, and cannot be read', remedy: storedWrong },
  'tar-broken': { severity: 'error', meaning: 'the data of a mount is not a whole tar', remedy: storedWrong },
  'tar-differs': { severity: 'error', meaning: 'an entry of a mount\'s tar is not as its table of contents says', remedy: storedWrong },
  'image-inconsistent': { severity: 'error', meaning: 'an image has more or fewer layers than its config says, or a layer has not the content that the config says', remedy: storedWrong },
  'foreign-entry': { severity: 'note', meaning: 'something that another program put into index.json: its blobs were checked as well', remedy: 'nothing has to be done' },
} as const satisfies Record<string, FindingMeaning>
