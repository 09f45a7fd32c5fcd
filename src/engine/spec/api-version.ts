/** Orders API versions as numbers: 1.9 comes before 1.41. */
export function compareApi(left: string, right: string): number {
  const [leftMajor = 0, leftMinor = 0] = left.split('.').map(Number)
  const [rightMajor = 0, rightMinor = 0] = right.split('.').map(Number)
  return leftMajor - rightMajor || leftMinor - rightMinor
}

export function hasApi({ apiVersion }: { readonly apiVersion: string }, since: string): boolean {
  return compareApi(apiVersion, since) >= 0
}
