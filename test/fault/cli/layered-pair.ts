import { expect } from '@jest/globals'
import type { EngineName } from '../../lab/engines.ts'
import { waitUntil } from '../../lab/wait.ts'
import { DrayProcess, type DrayEnd } from './dray-process.ts'
import { Pair } from './pair.ts'
import type { World } from './world.ts'

/** More than what dray sends of an image at a time. */
export const layerBytes = 130 * 1024 * 1024
const layers = 3
export const imageBytes = layers * layerBytes

/** "web" of a Pair runs an image of so many layers that it is sent in parts. */
export async function startLayeredPair(...engines: readonly EngineName[]): Promise<Pair> {
  const pair = await Pair.start(engines[0], engines[1])
  for (let layer = 0; layer < layers; layer++) {
    await pair.one.docker('run', '--name', 'layer', '--network', 'none', 'box:1', 'sh', '-c', `head -c ${layerBytes} /dev/urandom > /etc/noise${layer}`)
    await pair.one.docker('commit', '-c', 'CMD ["sleep", "100000"]', 'layer', 'box:1')
    await pair.one.docker('rm', 'layer')
  }
  await pair.one.docker('image', 'prune', '--force')
  return pair
}

/** Something is done when two parts of the image are on the target, and the third one is on its way. Both have ended when this resolves. */
export async function withTwoPartsThere(pair: Pair, args: readonly string[], act: (dray: DrayProcess) => Promise<unknown>): Promise<DrayEnd> {
  const dray = new DrayProcess(args, pair.env)
  const atIt = waitUntil(async () => (await temporaryImages(pair.two).catch(noneWhileAsked)).filter(isPart).length === 2, 'two parts to arrive')
  const [end] = await Promise.all([dray.ended, atIt.then(async () => act(dray))])
  return end
}

/** Not a question about blobs. */
const isPart = (name: string): boolean => name.includes('-image-')

/** A containerd store cannot list its images while dray asks which blobs it has: it lacks some of what the question names. */
function noneWhileAsked(thrown: unknown): string[] {
  if (thrown instanceof Error && thrown.message.includes(': not found')) return []
  throw thrown
}

async function temporaryImages(world: World): Promise<string[]> {
  return (await world.docker('images', '--format', '{{.Repository}}:{{.Tag}}', 'drayage-tmp')).split('\n').filter(name => name !== '')
}

/** What an engine keeps of layers, whichever image they belong to. */
export async function storedLayers(world: World): Promise<number> {
  return Number(await world.host.sh(`ls ${world.host.dataRoot}/image/overlay2/layerdb/sha256 ${world.host.dataRoot}/containerd/daemon/io.containerd.content.v1.content/blobs/sha256 2>/dev/null | wc -l`))
}

/** It is moved, nothing of the run is left, and of the image only what was under way was sent twice. */
export async function expectSentOn(pair: Pair, { exitCode, events, result }: DrayEnd): Promise<void> {
  expect({ exitCode, error: result?.['error'] }).toEqual({ exitCode: 0, error: undefined })
  expect(result).toMatchObject({ containers: [{ name: 'web', differences: [], losses: [] }] })
  expect(events.filter(({ event }) => event === 'warning').map(({ text }) => text).join('\n')).toMatch(/the image is sent on from its layer [234] of 4/)
  const { sentBytes } = result?.['images'] as { sentBytes: number }
  expect(sentBytes).toBeGreaterThan(imageBytes)
  expect(sentBytes).toBeLessThan(imageBytes + 1.2 * layerBytes)
  expect(await pair.dataOf(pair.two)).toBe(pair.contents)
  const [there, here] = await Promise.all([pair.two, pair.one].map(async world => world.docker('exec', 'web', 'sh', '-c', 'md5sum /etc/noise*').catch(() => 'rests')))
  expect({ there, here }).toEqual({ there: expect.stringMatching(/noise2/), here: 'rests' })
  expect(await temporaryImages(pair.two)).toEqual([])
  expect({ status: await pair.one.status(), policy: await pair.policy(), journals: await pair.one.journals() }).toEqual({ status: 'exited', policy: 'no', journals: [] })
}
