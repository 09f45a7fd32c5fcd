import '../../one-realm.ts'
import { testMountCopies } from '../../engine/workflows/copy-mount-contract.ts'

testMountCopies('20.10', '28.5', { thorough: true })
testMountCopies('26.1', '20.10', { thorough: true })
testMountCopies('28.5', '26.1', { thorough: true })
