import { testSpoiltStore, testStreamFaults } from '../../engine/workflows/stream-faults-contract.ts'

testStreamFaults('images from docker 20.10 to docker 20.10', { engine: '20.10' }, { engine: '20.10' })
testStreamFaults('images from docker 28.5 to docker 28.5', { engine: '28.5' }, { engine: '28.5' })
testStreamFaults('images from docker 28.5-overlay2 to docker 26.1', { engine: '28.5-overlay2' }, { engine: '26.1' })
testStreamFaults('images from docker 20.10 to docker 28.5', { engine: '20.10' }, { engine: '28.5' })
for (const engine of ['20.10', '26.1', '28.5-overlay2'] as const) testSpoiltStore(`docker ${engine}`, { engine })
