/** A line of HostConfig.Binds: `source:destination[:mode]`, or a destination alone for an anonymous volume. No part may hold a colon. */
export type BindString = { readonly source: string; readonly destination: string; readonly mode: string }

export function parseBind(line: string): BindString {
  const [first = '', destination, ...mode] = line.split(':')
  return destination === undefined ? { source: '', destination: first, mode: '' } : { source: first, destination, mode: mode.join(':') }
}

export function formatBind({ source, destination, mode }: BindString): string {
  return [source, destination, mode].filter(part => part !== '').join(':')
}

/** A volume's name rather than a path of the host. */
export function isVolumeName(source: string): boolean {
  return source !== '' && !source.startsWith('/')
}
