import '../../one-realm.ts'
import { testSaves } from '../../engine/integrity/engine-saves-contract.ts'

testSaves('26.1')
testSaves('28.5-overlay2')
