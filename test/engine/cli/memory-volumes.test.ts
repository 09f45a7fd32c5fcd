import { memoryVolumesContract } from './memory-volumes-contract.ts'

memoryVolumesContract('20.10', { onlyFirst: true })
