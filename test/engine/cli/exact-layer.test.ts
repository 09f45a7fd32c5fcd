import { describe } from '@jest/globals'
import { exactLayerContract } from './exact-layer-contract.ts'

describe('docker 20.10', () => exactLayerContract('20.10', ['attributes', 'directory times']))
