/** A registry that keeps its blobs elsewhere may be silent for minutes while it stores one. */
export const storingMs = 10 * 60_000
