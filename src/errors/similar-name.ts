/** The one of `names` that was probably meant by `typed`: no more than every third character is another one, missing, too many or swapped with its neighbour. */
export function similarName(typed: string, names: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(1, Math.floor(typed.length / 3)) + 1
  for (const name of names) {
    const distance = Math.abs(name.length - typed.length) >= least ? least : editsBetween(typed, name)
    if (distance < least && distance < Math.max(name.length, typed.length)) [best, least] = [name, distance]
  }
  return best
}

/** Hints for what was not found under the name that was typed. */
export function didYouMean(typed: string, names: Iterable<string>): string[] {
  const similar = similarName(typed, names)
  return similar === undefined ? [] : [`did you mean "${similar}"?`]
}

/** Characters to insert, remove, replace, or swap with the next one. */
function editsBetween(one: string, other: string): number {
  let [before, row] = [[] as number[], Array.from({ length: other.length + 1 }, (_, at) => at)]
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced, isSwap ? (before[j - 2] ?? 0) + 1 : Infinity))
    }
    ;[before, row] = [row, next]
  }
  return row[other.length] ?? 0
}
