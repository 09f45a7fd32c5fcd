import { testLoads } from '../../engine/workflows/load-image-contract.ts'

testLoads('docker 26.1', { engine: '26.1' })
testLoads('docker 26.1 on the containerd store', { engine: '26.1', daemonJson: { features: { 'containerd-snapshotter': true } } })
