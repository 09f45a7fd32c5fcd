import { describe } from '@jest/globals'
import { exactLayerContract } from '../../engine/cli/exact-layer-contract.ts'

describe('docker 20.10', () => exactLayerContract('20.10', ['names', 'odd entries']))
describe('docker 28.5 on the containerd store', () => exactLayerContract('28.5', ['names', 'attributes', 'odd entries']))
describe('docker 26.1', () => exactLayerContract('26.1', ['names', 'attributes', 'directory times', 'odd entries']))
describe('docker 28.5 on overlay2', () => exactLayerContract('28.5-overlay2', ['names', 'attributes', 'directory times', 'odd entries']))
