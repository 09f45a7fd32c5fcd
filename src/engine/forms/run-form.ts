import { quoteForShell } from '../shell-quote.ts'
import { networkCommand, volumeCommand } from './create-first.ts'
import { commandWords, configOptions } from './run-config.ts'
import { networkCommands, networkOptions } from './run-networks.ts'
import { hostOptions, type Option } from './run-options.ts'
import { unknownTo, type Subject } from './subject.ts'

/** `text` is a script for a shell, with `gaps` as comments in it. */
export type Form = { readonly text: string; readonly gaps: readonly string[] }

/** Several of them, in the given order. */
export function runForms(subjects: readonly Subject[]): Form {
  const made = new Set<string>()
  const forms: Form[] = []
  for (const subject of subjects) {
    const form = runForm(subject, made)
    for (const command of form.text.split('\n')) if (/^docker (?:volume|network) create /.test(command)) made.add(command)
    forms.push(form)
  }
  return { text: forms.map(({ text }) => text).join('\n'), gaps: forms.flatMap(({ gaps }, at) => gaps.map(gap => (subjects.length === 1 ? gap : `${subjects[at]?.name ?? ''}: ${gap}`))) }
}

/** A container as docker commands: what has to be there before it and is not `made` yet, docker run (or create, where run cannot do it), and its state. */
export function runForm(subject: Subject, made: ReadonlySet<string> = new Set()): Form {
  const { name, own, host, request, image } = subject
  const gaps = [...subject.gaps]
  const cannot = (text: string): void => void gaps.push(text)
  for (const field of [...unknownTo(hostOptions, 'HostConfig', host), ...unknownTo(configOptions, 'Config', own)]) cannot(`${field}: docker run has no option for it`)
  const start = startOf(subject, cannot)
  const options: Option[] = [
    ['--name', name],
    ...(request.platform === undefined ? [] : [['--platform', request.platform]]),
    ...start.options,
    ...networkOptions(subject, cannot),
    ...Object.values(configOptions).flatMap(write => write(subject, cannot)),
    ...Object.entries(hostOptions).flatMap(([field, write]) => write(host[field], subject, cannot)),
  ]
  const command = [image, ...commandWords(subject, cannot)]
  const connects = networkCommands(subject, cannot)
  const text = [
    ...needed(subject).map(comment),
    ...gaps.map(gap => comment(`not expressible: ${gap}`)),
    ...[...request.volumes.map(volumeCommand), ...request.networks.map(networkCommand)].map(line).filter(command => !made.has(command)),
    [`docker ${start.verb}`, ...[...options, command].map(words => `  ${line(words)}`)].join(' \\\n'),
    ...[...connects, ...start.after].map(line),
    ...endedNote(subject).map(comment),
  ]
  return { text: `${text.join('\n')}\n`, gaps }
}

type Start = { readonly verb: string; readonly options: readonly Option[]; readonly after: readonly (readonly string[])[] }

/** docker run -d attaches to nothing, docker create to all that is open or to what it is told: whichever of them makes what was recorded. */
function startOf({ name, record: { inspect }, own }: Subject, cannot: (text: string) => void): Start {
  const { Status } = inspect.State
  const isOpen = own['OpenStdin'] === true
  const wanted = ['stdin', 'stdout', 'stderr'].filter(each => own[attachField(each)] === true)
  const runs = Status !== 'created' && Status !== 'removing'
  const pause = Status === 'paused' ? [['docker', 'pause', name]] : []
  if (wanted.length === 0 && runs) {
    if (own['StdinOnce'] === true) cannot('Config.StdinOnce: docker run -d does not set it, and nobody is attached')
    return { verb: 'run -d', options: [], after: pause }
  }
  const usual = isOpen ? ['stdin', 'stdout', 'stderr'] : ['stdout', 'stderr']
  const made = wanted.length === 0 ? usual : ['stdin', 'stdout', 'stderr'].filter(each => wanted.includes(each) || (each === 'stdin' && isOpen))
  const isOnce = isOpen && made.includes('stdin')
  const others = [...['stdin', 'stdout', 'stderr'].filter(each => made.includes(each) !== wanted.includes(each)).map(attachField), ...(own['StdinOnce'] === true === isOnce ? [] : ['StdinOnce'])]
  if (others.length > 0) cannot(`${others.map(field => `Config.${field}`).join(', ')}: docker create chooses by itself, which means nothing to the container`)
  const starts = Status === 'running' || Status === 'restarting' || Status === 'paused'
  return { verb: 'create', options: made.join() === usual.join() ? [] : made.map(each => ['--attach', each]), after: [...(starts ? [['docker', 'start', name]] : []), ...pause] }
}

function attachField(stream: string): string {
  return `Attach${stream[0]?.toUpperCase() ?? ''}${stream.slice(1)}`
}

function needed({ record: { peers }, image }: Subject): string[] {
  return [
    ...(/^(sha256:)?[0-9a-f]{12,64}$/.test(image) ? ['the image has no name: this is its id on the engine it comes from'] : []),
    ...[...new Set(peers.map(({ name }) => name))].map(peer => `needs container "${peer}", which has to be there first`),
  ]
}

function endedNote({ name, record: { inspect: { State, Config } } }: Subject): string[] {
  if (State.Status !== 'exited' && State.Status !== 'dead') return []
  const isRun = ['AttachStdin', 'AttachStdout', 'AttachStderr'].every(field => Config[field] !== true)
  return [`it had ended with exit code ${State.ExitCode}: ${isRun ? `this starts it once more (stop it with: docker stop ${name})` : 'it is made here, and not started'}`]
}

/** On one line, whatever it holds. */
function comment(text: string): string {
  return `# ${text.replaceAll(/[\r\n]+/g, ' ')}`
}

function line(words: readonly string[]): string {
  return words.map(quoteForShell).join(' ')
}
