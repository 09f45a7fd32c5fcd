const nul = Buffer.alloc(1)

/** Each path with a NUL after it. */
export function endedPaths(paths: readonly Buffer[]): Buffer {
  return Buffer.concat(paths.flatMap(path => [path, nul]))
}
