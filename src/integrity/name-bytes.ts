const mostNameBytes = 16 * 1024 * 1024
export const longestName = 4096
export const tooManyNames = `its names are longer than any file system allows, or more than ${mostNameBytes} bytes together`

/** How much the names and the targets of links are: what is made of nothing else must not fill the memory. */
export class NameBytes {
  #bytes = 0
  areTooMany = false

  /** `isBlob`: one of as many as the archive may have, see MemberCount. */
  fit({ name, target = '', isBlob = false }: { readonly name: string; readonly target?: string; readonly isBlob?: boolean }): boolean {
    const isFitting = name.length <= longestName && target.length <= longestName
    if (isBlob) return true
    this.#bytes += isFitting ? name.length + target.length : 0
    if (isFitting && this.#bytes <= mostNameBytes) return true
    this.areTooMany = true
    return false
  }
}
