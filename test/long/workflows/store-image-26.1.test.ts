import { describeStoreImage } from '../../engine/workflows/store-image-contract.ts'

describeStoreImage('26.1')
