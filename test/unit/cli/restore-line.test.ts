import { describe, expect, test } from '@jest/globals'
import { readRestoreOptions } from '../../../src/cli/restore-options.ts'
import { commandOf, lineOf, withRemedy } from '../../../src/cli/wizard/restore-line.ts'

const globals = { host: undefined, repo: '/srv/back ups', isRepoGiven: true, insecure: false }
const line = { ...lineOf({ reader: 'auto', keep: ['logs'] }), backup: 'night-1', container: ['web'] }

describe('the command line that the wizard ends in', () => {
  test('is quoted for a shell, and reads as what was answered', () => {
    const remedies = [{ name: 'web2' }, { map: 'port', from: '80', to: '81' }, { map: 'bind', from: '/srv/a b', to: '/srv/c' }, { keep: '/srv/kept' }, { again: true }] as const
    const answered = remedies.reduce(withRemedy, line)
    expect(commandOf(answered, globals).join(' ')).toBe("dray -r '/srv/back ups' restore night-1 web --name web2 --keep logs --keep /srv/kept --map-port 80:81 --map-bind '/srv/a b:/srv/c'")
    expect(readRestoreOptions(answered)).toMatchObject({ name: 'web2', replace: false, start: true, keep: ['logs', '/srv/kept'], remaps: { ports: new Map([['80', '81']]), binds: new Map([['/srv/a b', '/srv/c']]) } })
  })

  test('maps anew what an earlier answer mapped to something that is taken too', () => {
    const twice = ([{ map: 'port', from: '80', to: '81' }, { map: 'port', from: '81', to: '82' }, { map: 'volume', from: 'data', to: 'data2' }, { map: 'volume', from: 'data', to: 'data3' }] as const).reduce(withRemedy, line)
    expect(twice).toMatchObject({ mapPort: ['80:82'], mapVolume: ['data:data3'] })
  })

  test('names the engine, the repository and the options that were given', () => {
    const given = lineOf({ to: 'ssh://root@new', noStart: true, replayDump: true, skipDamaged: true, replace: true, reader: 'helper', healthTimeout: 9 })
    expect(commandOf({ ...given, backup: 'b', container: [] }, { ...globals, host: 'old', isRepoGiven: false }).join(' ')).toBe('dray -H old restore b --to ssh://root@new --replace --skip-damaged --no-start --replay-dump --reader helper --health-timeout 9')
  })
})
