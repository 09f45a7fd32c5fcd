import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '../../engine/engine.ts'
import { unlessMissing } from '../../engine/unless-missing.ts'
import { DrayError } from '../../errors/dray-error.ts'
import { listBackups } from '../../store/backup-list.ts'
import { imageText } from '../../ui/describe-image.ts'
import { lookInto } from '../../workflows/look/find-place.ts'
import { inspectArchive, inspectEngineImage, inspectStoredImage, type InspectedImage } from '../../workflows/look/inspect-image.ts'
import { inspectLayout } from '../../workflows/look/inspect-layout.ts'
import { readImageFacts } from '../../workflows/look/read-images.ts'
import { readBackupOptions, textOf } from '../backup-options.ts'
import type { Command, CommandContext, CommandResult } from '../command.ts'
import { containerOption, lookJob, whileReading } from '../look-options.ts'
import { planText } from './plan.ts'

export const inspectCommand: Command = {
  usage: 'inspect <target>',
  summary: 'Show what a container, image, file of docker save, image layout or backup is made of: layers, commands, config, what a backup would capture',
  examples: [
    ['dray inspect web', 'a container: its image, and what a backup would capture'],
    ['dray inspect nginx:1.27', 'an image of the engine'],
    ['dray inspect ./image.tar.gz', 'a file of docker save'],
    ['dray inspect ./layout', 'the images of an OCI image layout in a directory'],
    ['dray inspect 20261121-0312', 'the images of a backup'],
  ],
  options: yargs => containerOption(yargs.positional('target', { type: 'string', demandOption: true, describe: 'a file or directory here; else a backup, by its id or the beginning of one, or "latest"; else a container; else an image' })),
  run: async (args, context) => {
    const target = textOf(args['target']) ?? ''
    const file = await stat(target).catch(() => undefined)
    if (file?.isDirectory() === true && (target.includes('/') || (await isLayout(target)))) return toResult('layout', await inspectLayout(target), context)
    if (file?.isFile() === true) return toResult('file', await inspectArchive(target, context.signal), context)
    return (await inspectBackup(target, args, context)) ?? (await inspectOnEngine(target, context))
  },
}

/** A folder may have the name of a container. */
async function isLayout(directory: string): Promise<boolean> {
  return await access(join(directory, 'index.json')).then(() => true, () => false)
}

async function inspectBackup(target: string, args: Record<string, unknown>, context: CommandContext): Promise<CommandResult | undefined> {
  if (target !== 'latest' && !(await isBackup(target, context))) return undefined
  return await whileReading(context, async repository => {
    const { backup, contents } = await lookInto(lookJob(context, args, repository), target)
    const facts = await readImageFacts(repository.blobs, contents.images)
    const images: InspectedImage[] = []
    for (const [at, image] of contents.images.entries()) images.push(await inspectStoredImage(repository.blobs, image, [...(facts[at]?.names ?? []), `(${facts[at]?.role ?? 'image'})`]))
    return toResult(`backup ${backup.id}`, images, context)
  })
}

async function isBackup(target: string, context: CommandContext): Promise<boolean> {
  try {
    await using repository = await context.openRepository({ create: false })
    return target.length > 3 && (await listBackups(repository)).some(({ id }) => id.startsWith(target))
  } catch (thrown) {
    if (thrown instanceof DrayError && thrown.code === 'not-found') return false
    throw thrown
  }
}

async function inspectOnEngine(target: string, context: CommandContext): Promise<CommandResult> {
  const engine = await context.connect()
  const container = await unlessMissing(engine.containers.inspect(target, { signal: context.signal }))
  if (container === undefined) return toResult('image', [await imageOf(engine, target, context)], context)
  const image = await unlessMissing(inspectEngineImage(engine, container.Image, context.signal))
  const plan = await planText(readBackupOptions({ container: [target] }), context)
  const shown = image === undefined ? [] : [image]
  return { text: [plan.text, ...shown.map(each => imageText(each, context.width))].join('\n\n'), json: { kind: 'container', images: shown, ...plan.json } }
}

async function imageOf(engine: Engine, target: string, { signal }: CommandContext): Promise<InspectedImage> {
  const found = await unlessMissing(inspectEngineImage(engine, target, signal))
  if (found === undefined) throw new DrayError('not-found', `there is no file, backup, container or image "${target}"`, { hints: ['dray list shows the backups', 'docker ps -a and docker image ls show what the engine has'] })
  return found
}

function toResult(kind: string, images: readonly InspectedImage[], { width }: CommandContext): CommandResult {
  return { text: images.length === 0 ? `${kind} holds no image` : images.map(each => imageText(each, width)).join('\n\n'), json: { kind: kind.replace(/ .*/, ''), images } }
}
