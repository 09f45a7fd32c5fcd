import { testBindFolders } from '../../engine/mounts/bind-folders-contract.ts'

testBindFolders('28.5')
