import { testMounts } from '../../engine/mounts/mounts-contract.ts'

testMounts('26.1')
