import { testFreshHost } from './fresh-host-contract.ts'

testFreshHost('20.10')
