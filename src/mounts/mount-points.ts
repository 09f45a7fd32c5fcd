/** The mount points strictly below `directory` in the text of /proc/self/mountinfo, as paths relative to it ("./a/b"), sorted. */
export function mountPointsBelow(mountinfo: Buffer, directory: Buffer): Buffer[] {
  const prefix = directory.equals(Buffer.from('/')) ? directory : Buffer.concat([directory, Buffer.from('/')])
  return mountPoints(mountinfo)
    .filter(point => point.length > prefix.length && point.subarray(0, prefix.length).equals(prefix))
    .map(point => Buffer.concat([Buffer.from('./'), point.subarray(prefix.length)]))
    .sort((a, b) => a.compare(b))
}

/** Every mount point, as bytes: mountinfo writes space, tab, newline and backslash in octal. */
export function mountPoints(mountinfo: Buffer): Buffer[] {
  return mountinfo.toString('latin1').split('\n').flatMap(line => {
    const point = line.split(' ')[4]
    return point === undefined ? [] : [Buffer.from(point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))), 'latin1')]
  })
}

/** True when `path` lies below one of the mount points. */
export function isBelowAny(path: Buffer, points: readonly Buffer[]): boolean {
  return points.some(point => path.length > point.length && path[point.length] === 0x2f && path.subarray(0, point.length).equals(point))
}
