import { readFileSync } from 'node:fs'
import type { YamlProblem } from '../check-yaml.ts'

const pattern = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g

/**
 * `${NAME}` in every text becomes the value of the environment variable NAME, or what is in the file that NAME_FILE names,
 * without its last line break: so secrets stay out of the file. `$${` is a literal `${`.
 */
export function fillIn(value: unknown, env: NodeJS.ProcessEnv, problems: YamlProblem[], path: readonly (string | number)[] = []): unknown {
  if (typeof value === 'string') return fillInText(value, env, message => problems.push({ path, message }))
  if (Array.isArray(value)) return value.map((each, at) => fillIn(each, env, problems, [...path, at]))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fillIn(each, env, problems, [...path, key])]))
}

function fillInText(text: string, env: NodeJS.ProcessEnv, fail: (message: string) => void): string {
  return text.replace(pattern, (whole, name: string | undefined) => {
    if (name === undefined) return '${'
    try {
      const found = environmentValue(name, env)
      if (found !== undefined) return found
      fail(`"${whole}" stands for the environment variable ${name}, or the file that ${name}_FILE names, and neither is set`)
    } catch (thrown) {
      fail(`${name}_FILE cannot be read: ${(thrown as Error).message}`)
    }
    return ''
  })
}

/** Names of the variables that a text has filled in, comments apart. */
export function variablesIn(text: string): string[] {
  const named = text.split('\n').filter(line => !/^\s*#/.test(line)).flatMap(line => [...line.replace(/\s#.*/, '').matchAll(pattern)])
  return [...new Set(named.flatMap(([, name]) => (name === undefined ? [] : [name])))]
}

/** Of NAME, or of the file that NAME_FILE names. */
export function environmentValue(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const value = env[name]
  if (value !== undefined && value !== '') return value
  const file = env[`${name}_FILE`]
  return file === undefined || file === '' ? undefined : readFileSync(file, 'utf8').replace(/\r?\n$/, '')
}
