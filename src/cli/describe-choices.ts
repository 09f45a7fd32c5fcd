import type { Argv } from 'yargs'
import { optionsOf } from './yargs-options.ts'

/** Puts the options that a command has of its own before the others, and says of each what it can be, and is when it is not given: yargs would name types, and that an empty list is the default. */
export function describeChoices(sub: Argv, common: ReadonlySet<string>): void {
  const { key, choices, default: fallbacks } = optionsOf(sub)
  const usage = (sub as unknown as { getInternalMethods: () => { getUsageInstance: () => { getDescriptions: () => Readonly<Record<string, string | undefined>>; getPositionalGroupName: () => string } } }).getInternalMethods().getUsageInstance()
  const positionals = new Set((sub as unknown as { getGroups: () => Readonly<Record<string, readonly string[] | undefined>> }).getGroups()[usage.getPositionalGroupName()])
  const own = Object.keys(key).filter(name => name.length > 1 && !common.has(name) && !positionals.has(name))
  sub.group(own, 'Options:')
  for (const name of [...own, ...positionals]) {
    const text = usage.getDescriptions()[name] ?? ''
    const [values, fallback] = [choices[name] ?? [], fallbacks[name]]
    const says = [
      ...(values.length === 0 ? [] : [values.length === 1 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1) ?? ''}`]),
      ...((typeof fallback === 'string' || typeof fallback === 'number') && !text.includes('default') ? [`default: ${fallback}`] : []),
    ]
    if (says.length > 0) sub.describe(name, `${text} (${says.join('; ')})`)
  }
}

/** What yargs (18) itself says of them: its types do not know the call. */
export function hideTypes(parser: Argv): void {
  const { usageConfiguration } = parser as unknown as { usageConfiguration: (configuration: object) => unknown }
  usageConfiguration.call(parser, { 'hide-types': true })
}
