import { PassThrough, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect } from '@jest/globals'
import type { Engine } from '../../src/engine/engine.ts'
import { checkImageArchive } from '../../src/integrity/check-image-file.ts'
import type { ImageReport } from '../../src/integrity/image-report.ts'

/** Nothing is wrong with any of them but that layers were left out, where they were. */
export function expectSoundButForLayers(reports: readonly ImageReport[]): void {
  expect(reports.flatMap(({ findings }) => findings).filter(({ severity, code }) => severity === 'error' && code !== 'member-missing' && code !== 'left-out')).toEqual([])
  for (const { verdict, findings } of reports) if (findings.every(({ severity }) => severity !== 'error')) expect(verdict).toBe('valid')
}

/** Nothing may be wrong with an archive but that layers were left out of it. */
export function expectSound(reports: readonly ImageReport[], left: 'nothing left out' | 'layers left out'): void {
  const wrong = reports.flatMap(({ findings }) => findings).filter(({ severity, code }) => severity === 'error' && !(left === 'layers left out' && code === 'member-missing'))
  expect(wrong).toEqual([])
  for (const { verdict } of reports) expect(verdict).toBe(left === 'nothing left out' ? 'valid' : 'damaged')
  expect(reports.length).toBeGreaterThan(0)
}

/**
 * The engine, with every archive that it took going through the checker on its way: `reports` gets what was found. Archives that
 * only ask which blobs are there have no manifest.json and are no images.
 */
export function checkingLoads(engine: Engine, reports: ImageReport[]): Engine {
  const load: Engine['images']['load'] = async (tar, options) => {
    const [passing, beside] = [new PassThrough(), new PassThrough()]
    const tee = new Transform({
      transform(piece: Buffer, _, done) {
        if (beside.write(piece)) done(null, piece)
        else beside.once('drain', () => done(null, piece))
      },
      flush(done) {
        beside.end()
        done()
      },
    })
    const checked = checkImageArchive(beside, { signal: new AbortController().signal }).catch(() => undefined)
    pipeline(tar, tee, passing).catch((thrown: unknown) => void beside.destroy(thrown as Error))
    const report = await engine.images.load(passing, options)
    const found = await checked
    if (found?.what.includes('manifest.json') === true) reports.push(found)
    return report
  }
  return { ...engine, images: { ...engine.images, load } }
}
