import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where a configuration is looked for when none is named: the user's, then the machine's. */
export function configPlaces(env: NodeJS.ProcessEnv): string[] {
  return [join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'drayage/config.yaml'), '/etc/drayage/config.yaml']
}

/** Whether there is one to read, or one is named. */
export function hasConfig(named: string | undefined, env: NodeJS.ProcessEnv): boolean {
  return named !== undefined || (env['DRAY_CONFIG'] ?? '') !== '' || configPlaces(env).some(existsSync)
}
