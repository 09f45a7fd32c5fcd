import type { Argv } from 'yargs'
import { DrayError } from '../errors/dray-error.ts'
import { textOf } from './backup-options.ts'
import { environmentValue } from './config/fill-in.ts'
import type { Notify } from './notify/notify.ts'

export function withNotifyOptions(yargs: Argv): Argv {
  return yargs
    .option('metrics', { type: 'string', describe: 'write Prometheus metrics to this file, for the textfile collector (env: DRAY_METRICS)' })
    .option('ping', { type: 'string', describe: 'call this address at the start (/start), on success, and on failure (/fail) (env: DRAY_PING)' })
    .option('webhook', { type: 'string', describe: 'post the summary of the run to this address, as JSON (env: DRAY_WEBHOOK)' })
}

/** What options say, else the environment; of each also a file that holds it, as DRAY_PING_FILE. */
export function readNotify(args: Record<string, unknown>, env: NodeJS.ProcessEnv): Notify {
  const address = (name: 'ping' | 'webhook', variable: string): string | undefined => {
    const value = textOf(args[name]) ?? environmentValue(variable, env)
    if (value !== undefined && !(URL.canParse(value) && /^https?:/.test(value))) throw new DrayError('usage', `--${name} (${variable}) is not an address that begins with https:// or http://`, { hints: ['docs/configuration.md has examples'] })
    return value
  }
  return { ping: address('ping', 'DRAY_PING'), webhook: address('webhook', 'DRAY_WEBHOOK'), metrics: textOf(args['metrics']) ?? environmentValue('DRAY_METRICS', env), on: 'always' }
}
