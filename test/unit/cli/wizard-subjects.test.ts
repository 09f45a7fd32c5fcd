import { expect, test } from '@jest/globals'
import { backupsOf, subjectsOf } from '../../../src/cli/wizard/subjects.ts'
import type { BackupSummary } from '../../../src/store/backup-summary.ts'

const backup = (id: string, containers: readonly string[], more: Partial<BackupSummary> = {}): BackupSummary => ({ id, created: `2026-01-0${id}T00:00:00Z`, host: 'one', engine: 'e1', run: id, containers, tags: [], bytes: 1, lacks: [], descriptor: { mediaType: 'application/json', digest: `sha256:${id}`, size: 1 }, ...more })

const backups = [backup('1', ['web']), backup('2', ['shop', 'db'], { project: 'shop' }), backup('3', ['web'], { host: 'two', engine: 'e2' }), backup('4', ['web'])]

test('containers of each host and projects of several, the newest first', () => {
  expect(subjectsOf(backups).map(({ kind, name, host, count }) => `${kind} ${name} on ${host}: ${count}`)).toEqual(['container web on one: 2', 'container web on two: 1', 'project shop on one: 1', 'container shop on one: 1', 'container db on one: 1'])
})

test('the backups of one, the newest first', () => {
  const [web, , shop] = subjectsOf(backups)
  expect(backupsOf(web!, backups).map(({ id }) => id)).toEqual(['4', '1'])
  expect(backupsOf(shop!, backups).map(({ id }) => id)).toEqual(['2'])
})
