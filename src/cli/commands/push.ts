import { assertHeld } from '../../files/owner-lock.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { noteKnownName, readKnownNames } from '../../registry/known-names.ts'
import { parseReference } from '../../registry/reference.ts'
import { formatBytes, formatCount } from '../../ui/format.ts'
import { pushBackup } from '../../workflows/push-backup.ts'
import { chooseBackup } from '../../workflows/steps/choose-backup.ts'
import { textOf } from '../backup-options.ts'
import type { Command } from '../command.ts'
import { confirmRegistry } from '../public-registry.ts'
import { lockRepository } from '../repository-lock.ts'
import { sayReport } from '../run-command.ts'

export const pushCommand: Command = {
  usage: 'push <backup> <reference>',
  summary: 'Send a backup to a registry: only what is not there yet',
  examples: [
    ['dray push 20261121-0312 registry.lan:5000/backups/web', 'under the backup\'s id: docker pull HOST/NAME:ID runs its image'],
    ['dray push latest registry.lan:5000/backups/web:newest', 'the last backup, and a further tag for it'],
    ['dray push 20261121-0312 docker.io/me/backups --yes', 'to a public registry: without --yes it asks'],
  ],
  options: yargs => yargs
    .positional('backup', { type: 'string', describe: 'id, the beginning of one, or "latest"' })
    .positional('reference', { type: 'string', describe: 'HOST[:PORT]/NAME, with :TAG for a further tag' }),
  run: async (args, context) => {
    const reference = parseReference(textOf(args['reference']) ?? '')
    const { registry, name, tag, digest } = reference
    if (digest !== undefined) throw new DrayError('usage', 'a push is to a name or a tag, not to a digest', { hints: ['dray push BACKUP HOST/NAME:TAG'] })
    await using repository = await context.openRepository({ create: false })
    await using lock = await lockRepository(context, repository, 'shared')
    const backup = await chooseBackup(repository, textOf(args['backup']) ?? '', undefined, text => context.reporter.warn(text))
    await confirmRegistry(context, registry, `backup ${backup.id}`)
    const to = context.openRegistry({ registry, name })
    if (context.globals.dryRun) return { text: `would push ${backup.id} to ${to.path}:${backup.id}`, json: { id: backup.id, reference: `${to.path}:${backup.id}` } }
    const knownNames = await readKnownNames(context.registryNames, registry)
    const report = await pushBackup({ repository, backup, to, tag, knownNames, reporter: context.reporter })
    await noteKnownName(context.registryNames, { registry, name })
    await assertHeld(lock, `the repository "${repository.path}"`, 'what was pushed may not be whole: run the same command again')
    const { blobs, sentBlobs, sentBytes, presentBlobs, mountedBlobs } = report
    sayReport(context, [`${formatCount(blobs, 'blob')}: ${sentBlobs} sent (${formatBytes(sentBytes)}), ${presentBlobs} were there${mountedBlobs === 0 ? '' : `, ${mountedBlobs} taken over from other names`}`])
    return { text: `${to.path}:${backup.id}`, json: { id: backup.id, reference: `${to.path}:${backup.id}`, digest: backup.descriptor.digest, ...report } }
  },
}
