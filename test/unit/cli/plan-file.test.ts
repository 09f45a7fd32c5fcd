import { describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { parsePlan } from '../../../src/cli/plan-file/read-plan.ts'
import type { DrayError } from '../../../src/errors/dray-error.ts'

const docs = readFileSync(new URL('../../../../docs/restore-plan.md', import.meta.url), 'utf8')

function problemsOf(text: string): readonly string[] {
  try {
    parsePlan(text, 'p.yaml')
    return []
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'usage', message: expect.stringContaining('p.yaml'), hints: expect.arrayContaining([expect.stringContaining('docs/restore-plan.md')]) })
    return (thrown as DrayError).list
  }
}

const withWeb = (lines: string): string => `plan: 1\ncontainers:\n  - backup: night-1\n    container: web\n${lines}`

describe('a restore plan', () => {
  test('every example of the document is one', () => {
    const examples = [...docs.matchAll(/```yaml\n([^]*?)```/g)].map(([, text]) => text ?? '')
    expect(examples.length).toBeGreaterThanOrEqual(3)
    expect(examples.map(problemsOf)).toEqual(examples.map(() => []))
  })

  test('needs no more than backups and containers', () => {
    expect(parsePlan(withWeb(''), 'p.yaml').value).toEqual({ plan: 1, reader: 'auto', 'skip-damaged': false, 'replay-dump': false, 'make-paths': [], containers: [{ backup: 'night-1', container: 'web', replace: false, start: true, ports: [], volumes: [], binds: [], networks: [] }] })
  })

  test('may publish no port in the place of one', () => {
    expect(parsePlan(withWeb('    ports:\n      - { from: 80, to: none }\n'), 'p.yaml').value.containers[0]?.ports).toEqual([{ from: '80', to: 'none' }])
    expect(problemsOf(withWeb('    ports:\n      - { from: none, to: 80 }\n'))).toHaveLength(1)
  })

  test.each([
    ['', ['line 1: plan: expected 1, the version of plans that this dray understands', 'line 1: containers: expected a list of containers']],
    ['plan: 2\ncontainers: []\n', ['line 1: plan: expected 1, the version of plans that this dray understands', 'line 2: containers: names no container']],
    [withWeb('    nam: x\n'), ['line 5: containers.0: "nam" is not a key: did you mean "name"?']],
    [withWeb('    name: "a b"\n'), ['line 5: containers.0.name: the name of a container is of letters, digits, "_", "." and "-", two at least']],
    [withWeb('    ports:\n      - { from: 80, to: 800000 }\n'), ['line 6: containers.0.ports.0.to: expected a port such as 8080, 127.0.0.1:8080 or "[::1]:8080", or a range of them']],
    [withWeb('    ports:\n      - { from: 80, too: 81 }\n'), ['line 6: containers.0.ports.0.to: expected a port such as 8080, 127.0.0.1:8080 or "[::1]:8080", or a range of them', 'line 6: containers.0.ports.0: "too" is not a key: did you mean "to"?']],
    [withWeb('    volumes:\n      - from: data\n        to: data\n        data: repalce\n'), ['line 8: containers.0.volumes.0.data: expected "restore", "replace" or "keep"']],
    [withWeb('    binds:\n      - { from: /a, to: b }\n'), ['line 6: containers.0.binds.0.to: expected a path from the root, without ":"']],
    [withWeb('    networks:\n      - { from: a, to: b }\n      - { from: a, to: c }\n'), ['line 7: containers.0.networks.1.from: "a" is there twice']],
    [withWeb('  - { backup: night-1, container: side, name: web }\n'), ['line 5: containers.1.name: two containers would be named "web"']],
    [withWeb('    binds:\n      - { from: /a, to: /b }\nmake-paths:\n  - /b\n  - /c\n'), ['line 9: make-paths.1: "/c" is not among the "to" of binds: /b']],
    [withWeb('    start: maybe\n'), ['line 5: containers.0.start: expected true or false']],
  ])('%j: says what, where, and what instead', (text, problems) => expect(problemsOf(text)).toEqual(problems))
})
