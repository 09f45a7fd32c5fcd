import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { planImageTransfer } from '../../../src/workflows/steps/plan-image-transfer.ts'
import { knowsAvailability } from '../../../src/workflows/steps/image-match.ts'
import { streamImage } from '../../../src/workflows/steps/stream-image.ts'
import type { HostOptions } from '../../lab/host.ts'
import { saveWhole } from '../../images/saved-image.ts'
import { expectSound } from '../../images/checked-loads.ts'
import { noiseBytes, shellless, StreamLab } from './stream-lab.ts'

const limit = 120_000

/** What must hold between any two engines. */
export function testStreams(title: string, from: HostOptions, to: HostOptions): void {
  describe(title, () => {
    let lab: StreamLab
    beforeAll(async () => {
      lab = await StreamLab.start(from, to)
    }, 600_000)
    afterEach(async () => lab.removeImages())
    afterAll(async () => lab[Symbol.asyncDispose](), limit)

    /** Both ends can say which layers they have. */
    const canProve = (): boolean => [lab.source, lab.target].every(engine => engine.facts.store === 'graphdriver' || knowsAvailability(engine))

    test.each(['with a shell on the source', 'without one'])('to an empty engine, and again: %s', async how => {
      const source = how === 'without one' ? shellless(lab.source) : lab.source
      const id = await lab.commit()
      const saved = await saveWhole(lab.source, id)
      const before = await lab.listed(lab.source)
      const plan = await planImageTransfer(await lab.job({ source }), id)
      expect(plan).toMatchObject({ id, layers: 2, presentLayers: 0, notes: [] })
      expect(await lab.ended()).toEqual([])
      const job = await lab.job({ source })
      const loaded = await streamImage(job, id)
      expect(loaded).toMatchObject({ sentLayers: 2, presentLayers: 0, notes: [], temporaryName: expect.stringContaining(`drayage-tmp:${job.run.id}-`) })
      expect(job.moved()).toBe(loaded.sentBytes)
      if (plan.isExact) expect(plan.sendBytes).toBe(job.expected())
      expect(plan.sendBytes).toBeLessThan(loaded.sentBytes * 1.5)
      expect(loaded.sentBytes).toBeLessThan(plan.sendBytes * 1.05 + 20_000)
      await lab.settle(loaded, 'app')
      expectSound(lab.sent, 'nothing left out')
      await lab.expectWorks('app:1', saved)

      const again = await streamImage(await lab.job({ source }), id)
      const isSeen = lab.target.facts.store === 'graphdriver' ? lab.source.facts.store === 'graphdriver' || knowsAvailability(lab.source) : knowsAvailability(lab.target) && (how !== 'without one' || knowsAvailability(lab.source))
      expect(again.sentBytes === 0).toBe(isSeen)
      await lab.settle(again, 'app')
      expect(await lab.listed()).toEqual([{ Id: loaded.id, RepoTags: ['app:1'] }])
      expect(await lab.listed(lab.source)).toEqual(before)
    }, limit)

    test.each(['with a shell on the source', 'without one'])('to an engine that has the base: %s', async how => {
      const source = how === 'without one' ? shellless(lab.source) : lab.source
      await lab.settle(await streamImage(await lab.job({ source }), 'base:1'), 'base')
      lab.sent.length = 0
      const id = await lab.commit()
      const saved = await saveWhole(lab.source, id)
      const plan = await planImageTransfer(await lab.job({ source }), id)
      expect(await lab.ended()).toEqual([])
      const loaded = await streamImage(await lab.job({ source }), id)
      const leavesOut = canProve()
      expect(loaded).toMatchObject({ sentLayers: leavesOut ? 1 : 2, presentLayers: leavesOut ? 1 : 0, notes: leavesOut ? [] : [expect.stringMatching(/^a layer that is there already is sent again: .*API/)] })
      expect(plan).toMatchObject({ presentLayers: leavesOut ? 1 : 0 })
      if (leavesOut) {
        expect(loaded.sentBytes).toBeLessThan(noiseBytes * 1.01)
        expectSound(lab.sent, 'layers left out')
      }
      await lab.settle(loaded, 'app')
      await lab.target.images.remove('base:1')
      await lab.expectWorks('app:1', saved)
    }, limit)

    test('to an engine that has the base from elsewhere', async () => {
      // through docker's own way: another blob on a containerd store
      await lab.target.images.load(await lab.source.images.save('base:1'))
      const id = await lab.commit()
      const saved = await saveWhole(lab.source, id)
      const loaded = await streamImage(await lab.job(), id)
      expect(loaded.sentLayers).toBe(canProve() ? 1 : 2)
      await lab.settle(loaded, 'app')
      await lab.expectWorks('app:1', saved)
    }, limit)
  })
}
