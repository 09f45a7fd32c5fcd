import { describe } from '@jest/globals'
import { restoredAgainContract } from './restored-again-contract.ts'

describe('docker 20.10', () => restoredAgainContract('20.10', ['name there']))
