import { DrayError } from '../../errors/dray-error.ts'
import { noteKnownName } from '../../registry/known-names.ts'
import { parseReference } from '../../registry/reference.ts'
import { formatBytes, formatCount } from '../../ui/format.ts'
import { pullBackup } from '../../workflows/pull-backup.ts'
import { textOf } from '../backup-options.ts'
import type { Command } from '../command.ts'
import { requireLocal } from '../local-repository.ts'
import { lockRepository } from '../repository-lock.ts'
import { sayReport } from '../run-command.ts'

export const pullCommand: Command = {
  usage: 'pull <reference>',
  summary: 'Bring a backup from a registry into the repository: only what is missing',
  examples: [
    ['dray pull registry.lan:5000/backups/web:20261121-031200-1a2b3c', 'a backup by its id'],
    ['dray pull registry.lan:5000/backups/web:newest -r /srv/backups', 'by another tag, into another repository'],
    ['dray pull registry.lan:5000/backups/web:newest --insecure', 'from a registry without TLS, or with a certificate of its own making'],
  ],
  options: yargs => yargs.positional('reference', { type: 'string', describe: 'HOST[:PORT]/NAME:TAG, where the tag is the backup\'s id or another one of it' }),
  run: async (args, context) => {
    const { registry, name, tag, digest } = parseReference(textOf(args['reference']) ?? '')
    const wanted = digest ?? tag
    if (wanted === undefined) throw new DrayError('usage', `name the backup: ${registry}/${name}:ID`, { hints: [`dray list -r oci://${registry}/${name} shows them`] })
    const from = context.openRegistry({ registry, name })
    if (context.globals.dryRun) return { text: `would pull ${from.path}:${wanted}`, json: { reference: `${from.path}:${wanted}` } }
    await using repository = await context.openRepository({ create: true })
    requireLocal(repository, 'pull')
    await using lock = await lockRepository(context, repository, 'shared')
    const { backup, isNew, ...counts } = await pullBackup({ from, tag: wanted, repository, lock, reporter: context.reporter })
    await noteKnownName(context.registryNames, { registry, name })
    sayReport(context, [isNew ? `${formatCount(counts.blobs, 'blob')}: ${counts.receivedBlobs} received (${formatBytes(counts.receivedBytes)}), ${counts.blobs - counts.receivedBlobs} were here` : `backup ${backup.id} was here already`])
    return { text: backup.id, json: { id: backup.id, digest: backup.descriptor.digest, isNew, ...counts } }
  },
}
