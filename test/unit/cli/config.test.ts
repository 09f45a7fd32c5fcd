import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parseConfig } from '../../../src/cli/config/read-config.ts'
import type { DrayError } from '../../../src/errors/dray-error.ts'

function problemsOf(text: string, env: NodeJS.ProcessEnv = {}): readonly string[] {
  try {
    parseConfig(text, 'c.yaml', env)
    return []
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'usage', message: expect.stringContaining('c.yaml') })
    return (thrown as DrayError).list
  }
}

describe('a configuration', () => {
  test('that says all there is to say', () => {
    const config = parseConfig(`
repository: /srv/backups
notify: { ping: "https://hc.example/\${PING_KEY}", on: failure }
jobs:
  nightly:
    hosts: [default, "ssh://root@web1"]
    all: true
    except: "tmp-*"
    exclude: [cache, /var/log]
    consistency: stop
    tags: nightly
    keep: { daily: 7, weekly: 4, within: 30d, tags: [release] }
    before: [mount /srv/backups]
    hook-timeout: 90s
    at: "02:30"
    random-delay: 15min
  images:
    images: [app]
`, 'c.yaml', { PING_KEY: 'abc' })
    expect(config).toMatchObject({
      repository: '/srv/backups',
      notify: { ping: 'https://hc.example/abc', on: 'failure' },
      jobs: { nightly: { hosts: ['default', 'ssh://root@web1'], except: ['tmp-*'], tags: ['nightly'], keep: { daily: 7, weekly: 4, within: 30 * 86_400_000, tags: ['release'] }, 'hook-timeout': 90_000, consistency: 'stop', reader: 'auto' }, images: { images: ['app'] } },
    })
  })

  test('that is empty has no jobs', () => expect(parseConfig('', 'c.yaml', {})).toEqual({ jobs: {} }))

  test.each([
    ['jobs:\n  a:\n    al: true\n', ['line 3: jobs.a: "al" is not a key: did you mean "all"?', 'line 3: jobs.a: chooses nothing: say "all: true", or name containers, projects, labels or images']],
    ['jobs:\n  a:\n    all: yes please\n', ['line 3: jobs.a.all: expected true or false']],
    ['jobs:\n  a: { all: true, keep: { daily: 0 } }\n', ['line 2: jobs.a.keep.daily: expected a whole number above 0']],
    ['jobs:\n  a: { all: true, keep: { tags: [x] } }\n', ['line 2: jobs.a.keep: needs at least one of last, hourly, daily, weekly, monthly, yearly, within']],
    ['jobs:\n  a: { all: true, keep: { within: 5m } }\n', ['line 2: jobs.a.keep.within: "5m" is not a duration: "m" could be minutes or months, write "min" or "mo"']],
    ['jobs:\n  a: { all: true, at: "25:00", parallel: 0 }\n', ['line 2: jobs.a.parallel: expected a whole number above 0', 'line 2: jobs.a.at: "25:00" is not a time that a schedule can have; for example 02:30, "Mon..Fri 02:30", "Sat,Sun 04:00", hourly, daily, weekly or monthly']],
    ['repo: 1\nnotify: { ping: x }\nrepository: "${NOWHERE}"\n', ['line 1: "repo" is not a key; known are repository, notify, jobs', 'line 2: notify.ping: expected an address that begins with https:// or http://', 'line 3: repository: "${NOWHERE}" stands for the environment variable NOWHERE, or the file that NOWHERE_FILE names, and neither is set']],
    ['jobs:\n  a: {}\n', ['line 2: jobs.a: chooses nothing: say "all: true", or name containers, projects, labels or images']],
    ['jobs:\n  "a b": { all: true }\n', ['line 2: jobs.a b: the name of a job is of letters, digits, "_", "." and "-"']],
    ['repo: x\nnotfy: y\n', ['line 1: "repo" is not a key; known are repository, notify, jobs', 'line 2: "notfy" is not a key: did you mean "notify"?']],
    ['notify:\n  ping: ftp://x\n', ['line 2: notify.ping: expected an address that begins with https:// or http://']],
    ['- a\n', ['line 1: expected object, received array']],
    ['jobs:\n  a:\n    containers: [web, 7]\n', ['line 3: jobs.a.containers: expected a text, or a list of texts']],
    ['notify:\n  webhook: "${NOWHERE}"\n', ['line 2: notify.webhook: "${NOWHERE}" stands for the environment variable NOWHERE, or the file that NOWHERE_FILE names, and neither is set']],
  ])('%j: says what, where, and what instead', (text, problems) => expect(problemsOf(text)).toEqual(problems))

  test('a key that is there twice is named', () => {
    expect(() => parseConfig('jobs:\n  a: { all: true }\n  b: { all: true }\n  a: { all: true }\n', 'c.yaml', {})).toThrow('c.yaml:4: the key "a" is there twice')
    expect(() => parseConfig('jobs:\n  a: { all: true, all: false }\n', 'c.yaml', {})).toThrow('c.yaml:2: the key "all" is there twice')
  })

  test('takes a secret from a file, and $${ as it is', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dray-config-'))
    writeFileSync(join(folder, 'key'), 'geheim\n')
    const { notify } = parseConfig('notify: { webhook: "https://h/${KEY}", command: "echo $${HOME}" }', 'c.yaml', { KEY_FILE: join(folder, 'key') })
    rmSync(folder, { recursive: true })
    expect(notify).toMatchObject({ webhook: 'https://h/geheim', command: 'echo ${HOME}' })
    expect(problemsOf('notify: { webhook: "https://h/${KEY}" }', { KEY_FILE: join(folder, 'key') })).toEqual([expect.stringMatching(/^line 1: notify.webhook: KEY_FILE cannot be read: ENOENT/)])
  })
})
