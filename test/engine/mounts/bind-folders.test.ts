import { testBindFolders } from './bind-folders-contract.ts'

testBindFolders('20.10')
