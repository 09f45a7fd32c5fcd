import { describe } from '@jest/globals'
import { memoryVolumesContract } from '../../engine/cli/memory-volumes-contract.ts'

describe('docker 20.10', () => memoryVolumesContract('20.10'))
describe('docker 28.5', () => memoryVolumesContract('28.5'))
