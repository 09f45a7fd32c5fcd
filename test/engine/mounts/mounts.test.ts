import { testMounts } from './mounts-contract.ts'

testMounts('20.10')
