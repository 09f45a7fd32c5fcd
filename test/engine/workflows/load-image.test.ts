import { testLoads } from './load-image-contract.ts'

testLoads('docker 20.10', { engine: '20.10' })
testLoads('docker 28.5 on the containerd store', { engine: '28.5' })
testLoads('docker 28.5 on overlay2', { engine: '28.5-overlay2' })
testLoads('docker 26.1', { engine: '26.1' })
testLoads('docker 26.1 on the containerd store', { engine: '26.1', daemonJson: { features: { 'containerd-snapshotter': true } } })
