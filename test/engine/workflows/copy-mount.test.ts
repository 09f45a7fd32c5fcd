import '../../one-realm.ts'
import { testMountCopies } from './copy-mount-contract.ts'

testMountCopies('20.10', '20.10')
