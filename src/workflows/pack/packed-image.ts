import { decompress, detectCompression } from '../../archive/decompress-stream.ts'
import { DrayError } from '../../errors/dray-error.ts'
import type { Digest } from '../../store/oci.ts'
import { whileTransferring } from '../reporter.ts'
import { openSourceImage, type SourceJob } from '../steps/source-image.ts'
import { proved } from '../steps/proved.ts'

const pathLabel = 'dev.drayage.packed.path'
const sourceLabel = 'dev.drayage.packed.from'

/** By which a packed image is known. */
export function packedLabels(path: string, source: string): Record<string, string> {
  return { [pathLabel]: path, [sourceLabel]: source }
}

export function readPackedLabels(labels: Readonly<Record<string, string>> | null | undefined): { readonly path: string | undefined; readonly source: string | undefined } {
  return { path: labels?.[pathLabel], source: labels?.[sourceLabel] }
}

/** Reads the one layer of an image as its engine has it, to its end, and has `take` do something with it. Throws `damaged` unless it is what its digest says. */
export async function readLayer(job: SourceJob, ref: string, diffId: string, take: (layer: AsyncIterable<Buffer>) => Promise<void> = toEnd): Promise<void> {
  const image = await openSourceImage(job, ref)
  const { bytes } = await image.sizes(new Set(image.diffIds))
  const passed = { layers: 0 }
  await whileTransferring(job.run.reporter, `reading image ${ref}`, async transfer => {
    const reading = image.read(new Set(image.diffIds), job.signal)
    for await (const { body } of reading.members) {
      if (passed.layers++ > 0) throw new DrayError('refused', `image "${ref}" has more than one layer`)
      await take(proved(told(await plain(body), count => transfer.add(count)), diffId as Digest))
    }
  }, bytes)
  if (passed.layers === 0) throw new DrayError('damaged', `the engine does not give the layer of image "${ref}"`, { hints: ['see what is wrong with it: docker save IMAGE | dray verify -'] })
}

async function* told(body: AsyncIterable<Buffer>, tell: (count: number) => void): AsyncGenerator<Buffer> {
  for await (const bytes of body) {
    tell(bytes.length)
    yield bytes
  }
}

async function plain(body: AsyncIterable<Buffer>): Promise<AsyncIterable<Buffer>> {
  const { compression, bytes } = await detectCompression(body)
  return compression === 'none' ? bytes : decompress(compression, bytes)
}

async function toEnd(layer: AsyncIterable<Buffer>): Promise<void> {
  const reading = layer[Symbol.asyncIterator]()
  while ((await reading.next()).done !== true);
}
