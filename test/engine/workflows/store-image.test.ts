import { describeStoreImage } from './store-image-contract.ts'

describeStoreImage('20.10')
describeStoreImage('28.5')
describeStoreImage('28.5-overlay2')
