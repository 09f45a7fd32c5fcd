import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Engine } from '../../../src/engine/engine.ts'
import { streamImage, type StreamImageJob } from '../../../src/workflows/steps/stream-image.ts'
import type { HostOptions } from '../../lab/host.ts'
import { saveWhole } from '../../images/saved-image.ts'
import { StreamLab } from './stream-lab.ts'

const limit = 180_000
/** Each is a part of its own. */
const layerBytes = 130 * 1024 * 1024
const [sentOn, ended] = [/^the (engine at|connection to the engine at) .*: the image is sent on from its layer 4 of 4$/, /^$/]

/** An image of some layers goes on when what carries it breaks in the middle of a layer. */
export function testSendingOn(title: string, from: HostOptions, to: HostOptions): void {
  describe(`sent on: ${title}`, () => {
    let lab: StreamLab
    let id: string
    beforeAll(async () => {
      lab = await StreamLab.start(from, to)
      id = 'base:1'
      for (let layer = 0; layer < 3; layer++) id = await lab.commit({ bytes: layerBytes, on: id })
    }, 600_000)
    afterEach(async () => lab.removeImages())
    afterAll(async () => lab[Symbol.asyncDispose](), limit)

    /** `act` is done once, in the middle of the third part. */
    function inThirdPart(act: () => Promise<unknown>): { readonly transfer: StreamImageJob['transfer']; readonly acted: () => Promise<unknown>; readonly moved: () => number } {
      let moved = 0
      let acting: Promise<unknown> | undefined
      const add = (bytes: number): void => {
        moved += bytes
        if (moved > 2.5 * layerBytes) acting ??= act()
      }
      return { transfer: { add, expect: () => undefined, end: () => undefined }, acted: async () => acting, moved: () => moved }
    }

    async function expectSentOn(act: () => Promise<unknown>, ...warned: readonly RegExp[]): Promise<void> {
      const { transfer, acted, moved } = inThirdPart(act)
      const saved = await saveWhole(lab.source, id)
      const job = await lab.job({ transfer, target: lab.target, sendsOn: true })
      const warnings: string[] = []
      job.run.reporter.warn = text => void warnings.push(text)
      const loaded = await streamImage(job, id)
      await acted()
      expect({ warnings, isExpected: warned.some(text => text.test(warnings[0] ?? '')) }).toMatchObject({ isExpected: true })
      expect(loaded).toMatchObject({ sentLayers: 4, presentLayers: 0, sentBytes: moved() })
      expect(loaded.sentBytes).toBeGreaterThan(3 * layerBytes)
      expect(loaded.sentBytes).toBeLessThan(4.1 * layerBytes)
      const open = job.run.journal.open()
      for (const entry of open) if ('ref' in entry && entry.id !== loaded.journalEntry?.id) await lab.target.images.remove(entry.ref)
      await job.run.journal.settle(...open.filter(entry => entry.id !== loaded.journalEntry?.id))
      await lab.settle(loaded, 'app')
      if (warned.length > 1) await lab.targetHost.sh('docker image prune --force')
      expect(await lab.listed()).toEqual([{ Id: loaded.id, RepoTags: ['app:1'] }])
      await lab.expectWorks('app:1', saved)
    }

    test('the target is killed and comes back', async () => {
      await expectSentOn(async () => {
        await lab.targetHost.kill('dockerd')
        await lab.targetHost.restartEngine()
      }, sentOn)
    }, limit)

    test('the target is restarted in order', async () => {
      // it may end first what it is doing; and take the name off an image without removing it, as it does on a full disk
      await expectSentOn(async () => lab.targetHost.restartEngine(), sentOn, ended)
    }, limit)

    test('the source is killed and comes back', async () => {
      await expectSentOn(async () => {
        await lab.sourceHost.kill('dockerd')
        await lab.sourceHost.restartEngine()
      // a classic engine's files are read without it
      }, lab.source.facts.store === 'containerd' ? sentOn : ended)
    }, limit)

    test('parts that somebody removed meanwhile are sent again', async () => {
      const { transfer } = inThirdPart(async () => {
        await lab.targetHost.kill('dockerd')
        await lab.targetHost.restartEngine()
      })
      const removed: string[] = []
      const target: Engine = {
        ...lab.target,
        clock: async options => {
          const time = await lab.target.clock(options)
          const names = (await lab.target.images.list()).flatMap(({ RepoTags }) => RepoTags ?? [])
          for (const name of names) await lab.target.images.remove(name)
          removed.push(...names)
          return time
        },
      }
      const saved = await saveWhole(lab.source, id)
      const job = await lab.job({ transfer, target, sendsOn: true })
      const loaded = await streamImage(job, id)
      expect(removed.length).toBeGreaterThan(1)
      expect(loaded).toMatchObject({ sentLayers: 4, presentLayers: 0 })
      expect(loaded.sentBytes).toBeGreaterThan(5 * layerBytes)
      await job.run.journal.settle(...job.run.journal.open().filter(entry => entry.id !== loaded.journalEntry?.id))
      await lab.settle(loaded, 'app')
      await lab.expectWorks('app:1', saved)
    }, limit)

    test('an abort while an engine is away ends it, and what has arrived goes when it is back', async () => {
      const stop = new AbortController()
      const reason = new Error('enough')
      const { transfer, acted } = inThirdPart(async () => lab.targetHost.kill('dockerd'))
      const job = await lab.job({ transfer, target: lab.target, sendsOn: true, signal: stop.signal })
      job.run.reporter.warn = text => {
        if (text.includes('trying again')) stop.abort(reason)
      }
      await expect(streamImage(job, id)).rejects.toBe(reason)
      await acted()
      await lab.targetHost.restartEngine()
      const open = job.run.journal.open()
      expect(open.length).toBeGreaterThan(1)
      for (const entry of open) if ('ref' in entry) await lab.target.images.remove(entry.ref)
      expect(await lab.listed()).toEqual([])
      await lab.ended()
    }, limit)
  })
}
