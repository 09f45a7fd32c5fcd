import { testMounts } from '../../engine/mounts/mounts-contract.ts'

testMounts('28.5')
