import { writeFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Engine } from '../../../src/engine/engine.ts'
import { isImageLost } from '../../../src/workflows/steps/lost-image.ts'
import { streamImage, type StreamImageJob } from '../../../src/workflows/steps/stream-image.ts'
import { startHost, type HostOptions } from '../../lab/host.ts'
import { saveWhole } from '../../images/saved-image.ts'
import { connect, cutAfter, noiseBytes, shellless, StreamLab } from './stream-lab.ts'

const limit = 120_000

/** What is left when a transfer fails: on the target nothing, or what the journal knows. */
export function testStreamFaults(title: string, from: HostOptions, to: HostOptions): void {
  describe(`broken: ${title}`, () => {
    let lab: StreamLab
    beforeAll(async () => {
      lab = await StreamLab.start(from, to)
    }, 600_000)
    afterEach(async () => lab.removeImages())
    afterAll(async () => lab[Symbol.asyncDispose](), limit)

    /** Runs `act` when half of the noise has been sent, once. */
    function halfWay(act: () => void): StreamImageJob['transfer'] {
      let moved = 0
      return {
        add: bytes => {
          const before = moved
          moved += bytes
          if (before <= noiseBytes / 2 && moved > noiseBytes / 2) act()
        },
        expect: () => undefined,
        end: () => undefined,
      }
    }

    test('an archive that is cut, in its middle or before its end, never becomes an image', async () => {
      const id = await lab.commit()
      const saved = await lab.source.images.save(id)
      let whole = 0
      for await (const piece of saved as AsyncIterable<Buffer>) whole += piece.length
      for (const [bytes, how] of [[1_000_000, 'end'], [2_500_000, 'fail'], [whole - 11_000, 'end'], [whole - 600, 'end']] as const) {
        await expect(streamImage({ ...(await lab.job()), source: cutAfter(lab.source, bytes, how), target: lab.target }, id)).rejects.toThrow(/cut|without/)
        expect({ bytes, left: await lab.listed(), open: await lab.ended() }).toEqual({ bytes, left: [], open: [] })
      }
    }, limit)

    test('an abort half way leaves nothing', async () => {
      const id = await lab.commit()
      const before = await lab.listed(lab.source)
      for (const source of [lab.source, shellless(lab.source)]) {
        const stop = new AbortController()
        const reason = new Error('enough')
        await expect(streamImage({ ...(await lab.job({ signal: stop.signal, transfer: halfWay(() => stop.abort(reason)) })), source, target: lab.target }, id)).rejects.toBe(reason)
        expect([await lab.listed(), await lab.ended(), await lab.listed(lab.source)]).toEqual([[], [], before])
      }
    }, limit)

    test('the target is killed half way: what it may have is in the journal, and the next try works', async () => {
      const id = await lab.commit()
      const saved = await saveWhole(lab.source, id)
      const killed: Promise<void>[] = []
      const job = await lab.job({ transfer: halfWay(() => killed.push(lab.targetHost.kill('dockerd'))), target: lab.target })
      await expect(streamImage(job, id)).rejects.toMatchObject({ code: expect.stringMatching(/engine-unreachable|io-failed/) })
      await Promise.all(killed)
      const open = await lab.ended()
      expect(open).toEqual(open.map(() => expect.objectContaining({ did: 'created tag', ref: expect.stringContaining(`drayage-tmp:${job.run.id}`) })))
      expect(open.length).toBeGreaterThan(0)
      await lab.targetHost.restartEngine()
      expect(await lab.listed()).toEqual([])
      await lab.settle(await streamImage(await lab.job(), id), 'app')
      await lab.expectWorks('app:1', saved)
    }, limit)

    test('the source is killed half way: nothing is left on the target', async () => {
      const id = await lab.commit({ bytes: 20 * noiseBytes })
      const source = shellless(lab.source)
      const killed: Promise<void>[] = []
      const job = await lab.job({ transfer: halfWay(() => killed.push(lab.sourceHost.kill('dockerd'))), target: lab.target, source })
      await expect(streamImage(job, id)).rejects.toMatchObject({ code: 'engine-unreachable', message: expect.stringContaining(lab.source.address) })
      await Promise.all(killed)
      await lab.sourceHost.restartEngine()
      const open = await lab.ended()
      expect(open.filter(entry => (entry as { engine: string }).engine === lab.target.address)).toEqual([])
      expect(await lab.listed()).toEqual([])
      for (const { ref } of open as { ref: string }[]) await lab.source.images.remove(ref)
    }, limit)

    test('a disk of the target that fills up is told, and nothing is left', async () => {
      const id = await lab.commit({ bytes: 60 * 1024 * 1024 })
      await using small = await startHost({ ...to, storageMib: 64 })
      const target = await connect(small)
      try {
        await expect(streamImage(await lab.job({ target }), id)).rejects.toMatchObject({ code: 'io-failed', message: expect.stringMatching(/image "sha256:.*cannot be brought to.*no space left on device/) })
        expect([await lab.listed(target), await lab.ended()]).toEqual([[], []])
      } finally {
        await target.close()
      }
    }, limit)
  })
}

/** Where the source is a classic engine: what its files say is not believed. */
export function testSpoiltStore(title: string, from: HostOptions): void {
  describe(`the store of ${title}`, () => {
    let lab: StreamLab
    beforeAll(async () => {
      lab = await StreamLab.start(from, { engine: '20.10' })
    }, 600_000)
    afterEach(async () => lab.removeImages())
    afterAll(async () => lab[Symbol.asyncDispose](), limit)

    test('odd files come back byte for byte', async () => {
      await lab.sourceHost.docker(['run', '--name', 'odd', '--network', 'none', 'base:1', 'sh', '-c', 'cd /tmp; head -c 3000000 /dev/urandom > noise; ln noise link; ln -s noise soft; mkfifo pipe; : > empty; printf a > "-n"; printf b > "$(printf "new\\nline")"; printf c > "$(printf "\\377")"; mkdir -p "$(printf %0200d 0)/$(printf %0100d 1)"; printf d > "$(printf %0200d 0)/$(printf %0100d 1)/deep"; dd if=/dev/zero of=hole bs=1 seek=5000000 count=1; rm /etc/group'])
      const { stdout, stderr } = await lab.sourceHost.docker(['commit', '-c', 'CMD ["sha256sum","/tmp/noise"]', 'odd'])
      expect(stderr).toBe('')
      const id = stdout.trim()
      const saves: string[] = []
      const source: Engine = { ...lab.source, images: { ...lab.source.images, save: (ref, options) => (saves.push(ref), lab.source.images.save(ref, options)) } }
      await lab.settle(await streamImage(await lab.job({ source }), id), 'app')
      expect(saves).toEqual([])
      await lab.expectWorks('app:1', await saveWhole(lab.source, id))
    }, limit)

    test('without the right to read it docker save is used', async () => {
      const id = await lab.commit()
      const { shell } = lab.source
      const source: Engine = { ...lab.source, shell: { ...shell!, run: (argv, options) => shell!.run(['setpriv', '--reuid', '65534', '--clear-groups', ...argv], options) } }
      const loaded = await streamImage(await lab.job({ source }), id)
      expect(loaded).toMatchObject({ sentLayers: 2, notes: [] })
      await lab.settle(loaded, 'app')
      await lab.expectWorks('app:1', await saveWhole(lab.source, id))
    }, limit)

    test('a file that has changed there is not sent as the image', async () => {
      const id = await lab.commit()
      const { GraphDriver } = await lab.source.images.inspect(id) as unknown as { GraphDriver: { Data: { UpperDir: string } } }
      await writeFile(`${GraphDriver.Data.UpperDir}/tmp/noise`, Buffer.alloc(noiseBytes, 1))
      const thrown: unknown = await streamImage(await lab.job({ target: lab.target }), id).catch((error: unknown) => error)
      expect({ thrown: String(thrown), lost: isImageLost(thrown) }).toEqual({ thrown: expect.stringMatching(/could not verify layer data|checksum/), lost: true })
      expect([await lab.listed(), await lab.ended()]).toEqual([[], []])
    }, limit)
  })
}
