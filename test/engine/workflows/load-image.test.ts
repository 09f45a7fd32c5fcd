import { testLoads } from './load-image-contract.ts'

testLoads('docker 20.10', { engine: '20.10' })
testLoads('docker 28.5 on the containerd store', { engine: '28.5' })
