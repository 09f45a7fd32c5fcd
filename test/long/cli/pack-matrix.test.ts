import { describe } from '@jest/globals'
import { packContract, packLab } from '../../engine/cli/pack-contract.ts'

describe.each(['26.1', '28.5', '28.5-overlay2'] as const)('docker %s', engine => packContract(packLab({ engine })))

describe('over ssh', () => packContract(packLab({ engine: '20.10' }, ({ ssh }) => ({ DOCKER_HOST: ssh.endpoint, ...ssh.env }))))
