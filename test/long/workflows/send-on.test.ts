import { testSendingOn } from '../../engine/workflows/send-on-contract.ts'

testSendingOn('images from docker 20.10 to docker 20.10', { engine: '20.10' }, { engine: '20.10' })
testSendingOn('images from docker 20.10 to docker 28.5', { engine: '20.10' }, { engine: '28.5' })
testSendingOn('images from docker 28.5 to docker 26.1', { engine: '28.5' }, { engine: '26.1' })
testSendingOn('images from docker 26.1 to docker 28.5-overlay2', { engine: '26.1' }, { engine: '28.5-overlay2' })
testSendingOn('images from docker 28.5 to docker 26.1 on the containerd store', { engine: '28.5' }, { engine: '26.1', daemonJson: { features: { 'containerd-snapshotter': true } } })
