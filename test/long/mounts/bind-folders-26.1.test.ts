import { testBindFolders } from '../../engine/mounts/bind-folders-contract.ts'

testBindFolders('26.1')
