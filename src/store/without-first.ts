/** The pieces that are left when so many bytes of them have been written. */
export function withoutFirst(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let written = bytes
  return pieces.flatMap(piece => {
    const rest = piece.subarray(written)
    written = Math.max(0, written - piece.length)
    return rest.length > 0 ? [rest] : []
  })
}
