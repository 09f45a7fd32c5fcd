import picomatch from 'picomatch'
import type { Argv } from 'yargs'
import { DrayError } from '../errors/dray-error.ts'
import type { BackupSummary } from '../store/backup-summary.ts'
import { listOf, textOf } from './backup-options.ts'
import { parseDuration } from './duration.ts'

/** Which backups a command is about. */
export function filterOptions(yargs: Argv): Argv {
  return yargs
    .option('container', { type: 'string', array: true, nargs: 1, default: [], describe: 'of this container, or of those that match a glob' })
    .option('project', { type: 'string', array: true, nargs: 1, default: [], describe: 'of this project' })
    .option('from-host', { type: 'string', array: true, nargs: 1, default: [], describe: 'made on this host' })
    .option('tag', { type: 'string', array: true, nargs: 1, default: [], describe: 'with this mark' })
    .option('since', { type: 'string', describe: 'not older: a date (2026-11-21, with a time after a space or a T), or a duration back from now (7d)' })
    .option('until', { type: 'string', describe: 'not newer; a date alone means the whole day' })
}

/** Of several values of one option one has to fit, of different options all. `names` are those of images that were backed up alone. */
export function backupFilter(args: Record<string, unknown>, now = Date.now()): (backup: BackupSummary, names?: readonly string[]) => boolean {
  const [containers, projects, hosts, tags] = ['container', 'project', 'fromHost', 'tag'].map(name => listOf(args[name]))
  const since = boundary(textOf(args['since']), 'since', now)
  const until = boundary(textOf(args['until']), 'until', now)
  if (since !== undefined && until !== undefined && since > until) throw new DrayError('usage', '--since is later than --until', { hints: ['change one for the other'] })
  const fits = (patterns: readonly string[] = [], values: readonly string[]): boolean => patterns.length === 0 || values.some(value => patterns.some(pattern => value === pattern || picomatch.isMatch(value, pattern, { dot: true })))
  return ({ containers: own, project, host, tags: marks, created }, names = []) => {
    const at = Date.parse(created)
    return fits(containers, [...own, ...names]) && fits(projects, project === undefined ? [] : [project]) && fits(hosts, [host]) && fits(tags, marks)
      && (since === undefined || at >= since) && (until === undefined || at <= until)
  }
}

const day = 86_400_000

/** Local time. A date alone is its first moment for `since`, its last for `until`. */
function boundary(text: string | undefined, option: 'since' | 'until', now: number): number | undefined {
  if (text === undefined) return undefined
  const [, date, time] = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?))?$/.exec(text) ?? []
  if (date === undefined) {
    if (!/^\d/.test(text) || text.includes('-') || text.includes(':')) throw noDate(text, option)
    return now - parseDuration(text, option)
  }
  const at = Date.parse(`${date}T${time === undefined ? '00:00' : time.padStart(5, '0')}`)
  if (Number.isNaN(at)) throw noDate(text, option)
  return time === undefined && option === 'until' ? at + day - 1 : at
}

function noDate(text: string, option: string): DrayError {
  return new DrayError('usage', `"${text}" of --${option} is neither a date nor a duration`, { hints: ['for example 2026-11-21, "2026-11-21 03:00", 12h, 7d'] })
}
