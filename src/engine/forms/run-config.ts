import type { Json, JsonObject } from '../api-types.ts'
import { isEmpty } from '../spec/field-rule.ts'
import { objectOf, stringsOf, text } from '../spec/json-values.ts'
import { quoteForShell } from '../shell-quote.ts'
import { goDuration } from './duration.ts'
import { exposedAlone } from './ports.ts'
import type { Option } from './run-options.ts'
import { splitOnce, type Inexpressible, type Subject } from './subject.ts'

/** Fields of Config that are options of docker run, or belong to something that is. */
export const configOptions: Readonly<Record<string, (subject: Subject, cannot: Inexpressible) => readonly Option[]>> = {
  Hostname: ({ own }) => one('--hostname', own['Hostname']),
  Domainname: ({ own }) => one('--domainname', own['Domainname']),
  User: ({ own }) => one('--user', own['User']),
  WorkingDir: ({ own }) => one('--workdir', own['WorkingDir']),
  OpenStdin: ({ own }) => (own['OpenStdin'] === true ? [['--interactive']] : []),
  Tty: ({ own }) => (own['Tty'] === true ? [['--tty']] : []),
  Env: environment,
  Labels: ({ own }) => Object.entries(objectOf(own['Labels'])).map(([key, value]) => ['--label', `${key}=${text(value)}`]),
  ExposedPorts: exposed,
  Volumes: volumes,
  MacAddress: ({ own }) => one('--mac-address', own['MacAddress']),
  StopSignal: ({ own }) => one('--stop-signal', own['StopSignal']),
  StopTimeout: ({ own }) => (typeof own['StopTimeout'] === 'number' ? [['--stop-timeout', String(own['StopTimeout'])]] : []),
  Healthcheck: ({ own, record }, cannot) => health(objectOf(own['Healthcheck']), objectOf(record.image?.Config?.['Healthcheck']), cannot),
  Entrypoint: ({ own }) => (isEmpty(own['Entrypoint']) ? [] : [['--entrypoint', stringsOf(own['Entrypoint'])[0] ?? '']]),
  Cmd: nothing,
  Image: nothing,
  AttachStdin: nothing,
  AttachStdout: nothing,
  AttachStderr: nothing,
  StdinOnce: nothing,
  HostConfig: nothing,
  NetworkingConfig: nothing,
}

/** What follows the image. Only the first word of an entrypoint can be given as one. */
export function commandWords({ own }: Subject, cannot: Inexpressible): string[] {
  const [, ...rest] = stringsOf(own['Entrypoint'])
  if (rest.length > 0) cannot('Config.Entrypoint, Config.Cmd: docker run takes one word: the others stand before the command, which runs the same program')
  return [...rest, ...stringsOf(own['Cmd'])]
}

function nothing(): readonly Option[] {
  return []
}

function one(option: string, value: Json | undefined): Option[] {
  return isEmpty(value) ? [] : [[option, text(value)]]
}

function environment({ own, hidden }: Subject, cannot: Inexpressible): Option[] {
  return stringsOf(own['Env']).flatMap(line => {
    const [name] = splitOnce(line)
    if (hidden.has(name)) return [['--env', name]]
    if (line.includes('=')) return [['--env', line]]
    cannot(`Config.Env: "${line}" has no value`)
    return []
  })
}

function exposed({ own, host, request }: Subject, cannot: Inexpressible): Option[] {
  const hidden = Object.keys(objectOf(host['PortBindings'])).filter(port => !Object.hasOwn(objectOf(request.body['ExposedPorts']), port))
  if (hidden.length > 0) cannot(`Config.ExposedPorts: publishing ${hidden.join(', ')} exposes it too`)
  return exposedAlone(own['ExposedPorts'], host['PortBindings']).map(port => ['--expose', port])
}

function volumes({ own }: Subject, cannot: Inexpressible): Option[] {
  return Object.keys(objectOf(own['Volumes'])).flatMap(path => {
    if (!path.includes(':')) return [['--volume', path]]
    cannot(`Config.Volumes: "${path}" holds a colon`)
    return []
  })
}

function health(check: JsonObject, image: JsonObject, cannot: Inexpressible): Option[] {
  const [kind, ...words] = stringsOf(check['Test'])
  if (kind === 'NONE') {
    if (Object.entries(check).some(([field, value]) => field !== 'Test' && !isEmpty(value))) cannot('Config.Healthcheck: docker run takes no other setting of a health check that is off')
    return [['--no-healthcheck']]
  }
  const time = (option: string, field: string): Option[] => (isEmpty(check[field]) ? [] : [[option, goDuration(Number(check[field]))]])
  if (kind === 'CMD') cannot('Config.Healthcheck.Test: docker run takes a shell command: the words are quoted for the shell, which runs the same program')
  for (const field of Object.keys(image)) if (field !== 'Test' && kind !== undefined && isEmpty(check[field]) && Object.hasOwn(check, field)) cannot(`Config.Healthcheck.${field}: the image's comes back`)
  return [
    ...(kind === undefined ? [] : [['--health-cmd', kind === 'CMD' ? words.map(quoteForShell).join(' ') : words.join(' ')]]),
    ...time('--health-interval', 'Interval'),
    ...time('--health-timeout', 'Timeout'),
    ...time('--health-start-period', 'StartPeriod'),
    ...time('--health-start-interval', 'StartInterval'),
    ...(isEmpty(check['Retries']) ? [] : [['--health-retries', text(check['Retries'])]]),
  ]
}
