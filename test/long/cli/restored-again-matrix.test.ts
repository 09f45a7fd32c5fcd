import { describe } from '@jest/globals'
import { restoredAgainContract } from '../../engine/cli/restored-again-contract.ts'

describe('docker 26.1', () => restoredAgainContract('26.1', ['name there', 'name moved']))
describe('docker 28.5 on overlay2', () => restoredAgainContract('28.5-overlay2', ['name there', 'name moved']))
describe('docker 20.10', () => restoredAgainContract('20.10', ['name moved']))
describe('docker 28.5 on the containerd store', () => restoredAgainContract('28.5', ['name there', 'name moved']))
