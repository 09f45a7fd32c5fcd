import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { ImageStore } from '../../../src/store/image-store.ts'
import { openRepository } from '../../../src/store/repository.ts'
import { loadImage } from '../../../src/workflows/steps/load-image.ts'
import { streamImage } from '../../../src/workflows/steps/stream-image.ts'
import { expectSound } from '../../images/checked-loads.ts'
import { StreamLab } from '../../engine/workflows/stream-lab.ts'
import type { EngineName } from '../../lab/engines.ts'
import { saveWhole, storeSaved } from '../../images/saved-image.ts'

test.each(['20.10', '26.1', '28.5'] as EngineName[])('an image with zstd layers goes to docker %s', async engine => {
  await using lab = await StreamLab.start({ engine: '28.5' }, { engine })
  const repository = await openRepository(join(lab.folder, 'repo'), { create: true })
  try {
    const store = new ImageStore(repository)
    const plain = await lab.commit()
    const manifest = await storeSaved(store, await saveWhole(lab.source, plain), 'zstd')
    await lab.source.images.remove(plain)
    const { run, transfer, signal } = await lab.job()
    const { id, journalEntry } = await loadImage({ engine: lab.source, blobs: repository.blobs, journal: run.journal, run: run.id, transfer, signal }, manifest)
    await run.journal.settle(journalEntry!)
    await lab.ended()
    const loaded = await streamImage(await lab.job(), id)
    expect(loaded).toMatchObject({ sentLayers: 2, notes: [] })
    expectSound(lab.sent, 'nothing left out')
    await lab.settle(loaded, 'app')
    await lab.expectWorks('app:1', await saveWhole(lab.source, id))
  } finally {
    await repository.close()
  }
}, 120_000)
