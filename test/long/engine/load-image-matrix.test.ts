import { testLoads } from '../../engine/workflows/load-image-contract.ts'

testLoads('docker 26.1', { engine: '26.1' })
testLoads('docker 28.5 on overlay2', { engine: '28.5-overlay2' })
