import type { PackReport } from '../workflows/pack/pack-mount.ts'
import { formatBytes, formatCount } from './format.ts'

/** What was packed, and what of it is not as it was. */
export function describePacked({ id, entries, dataBytes, holeBytes, leftOut, leftOutCount, oldTimes, losses, problems, before }: PackReport, { source, ref, path }: { readonly source: string; readonly ref: string; readonly path: string }): { readonly warnings: readonly string[]; readonly lines: readonly string[] } {
  return {
    warnings: [
      ...leftOut.map(name => `"${name}" is not in the image: names that begin with ".wh." mean something else there`),
      ...(leftOutCount > leftOut.length ? [`${formatCount(leftOutCount - leftOut.length, 'more of such names is', 'more of such names are')} not in the image`] : []),
      ...problems.map(({ path: name, problem, detail }) => `"${name.toString()}" ${problem}: ${detail}`),
      ...losses,
    ],
    lines: [
      `image "${ref}" holds ${source} at ${path}: ${formatCount(entries, 'entry', 'entries')}, ${formatBytes(dataBytes)}; read back, and equal`,
      ...(holeBytes === 0 ? [] : [`  ${formatBytes(holeBytes)} of it are holes of sparse files: an image has them as zeros, which take their room`]),
      ...(oldTimes === 0 ? [] : [`  ${formatCount(oldTimes, 'time')} before 1970: an engine that fills a volume sets them to 1970, unpack does not`]),
      ...(before === undefined ? [] : [`  the name was that of image ${before.slice(0, 19)}, which has lost it`]),
      `  fill a new volume with it: docker create -v NEW:${path} ${id.slice(7, 19)}`,
    ],
  }
}
