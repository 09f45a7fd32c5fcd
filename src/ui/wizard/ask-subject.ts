import { formatAge, formatCount } from '../format.ts'
import { search, type Back, type Choice, type Heading } from './questions.ts'

/** What can be brought back: a container, or a project of several, of one host. */
export type Subject = { readonly kind: 'container' | 'project'; readonly name: string; readonly host: string; readonly engine: string; /** Of backups. */ readonly count: number; /** RFC 3339. */ readonly newest: string }

/** Which container or project; those of one host stand together. */
export async function askSubject(signal: AbortSignal, subjects: readonly Subject[]): Promise<Subject | Back> {
  const hosts = [...new Set(subjects.map(({ host }) => host))]
  return await search(signal, 'What is to be brought back? (type to search)', typed => {
    const words = typed.toLowerCase().split(/\s+/)
    const found = subjects.filter(subject => words.every(word => `${subject.kind} ${subject.name} ${subject.host}`.toLowerCase().includes(word)))
    const widest = Math.min(40, Math.max(...found.map(({ kind, name }) => `${kind} ${name}`.length)))
    return hosts.flatMap(host => {
      const choices = found.filter(subject => subject.host === host).map(subject => choiceOf(subject, widest))
      return choices.length === 0 || hosts.length === 1 ? choices : [{ heading: `on ${host}` } satisfies Heading, ...choices]
    })
  })
}

function choiceOf(subject: Subject, widest: number): Choice<Subject> {
  const { kind, name, count, newest } = subject
  return { name: `${`${kind} ${name}`.padEnd(widest)}  ${formatCount(count, 'backup')}, the newest ${formatAge(Date.now() - Date.parse(newest))} old`, short: `${kind} ${name}`, value: subject }
}
