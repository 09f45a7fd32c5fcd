/** The name under which a container is kept that another one took the place of. */
export function keptName(was: string, run: string): string {
  return `${was}-replaced-${run}`
}

const pattern = /.-replaced-\d{8}-\d{6}-[0-9a-f]{8}$/

export function isKeptName(name: string): boolean {
  return pattern.test(name)
}
