import { testStreams } from './stream-image-contract.ts'

testStreams('images from docker 20.10 to docker 20.10', { engine: '20.10' }, { engine: '20.10' })
