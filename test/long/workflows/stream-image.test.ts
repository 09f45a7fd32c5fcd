import type { EngineName } from '../../lab/engines.ts'
import { testStreams } from '../../engine/workflows/stream-image-contract.ts'

const names: readonly EngineName[] = ['20.10', '26.1', '28.5', '28.5-overlay2']

for (const from of names) {
  for (const to of names) {
    // that pair is in the daily suite
    if (from !== '20.10' || to !== '20.10') testStreams(`images from docker ${from} to docker ${to}`, { engine: from }, { engine: to })
  }
}

const containerd = { engine: '26.1', daemonJson: { features: { 'containerd-snapshotter': true } } } as const
testStreams('images from docker 26.1 on the containerd store to docker 20.10', containerd, { engine: '20.10' })
testStreams('images from docker 20.10 to docker 26.1 on the containerd store', { engine: '20.10' }, containerd)
