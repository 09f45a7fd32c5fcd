import { expect, test } from '@jest/globals'
import { DrayError } from '../../../src/errors/dray-error.ts'
import { PipelineError } from '../../../src/pipeline/pipeline.ts'
import { errorJson, errorText } from '../../../src/ui/error-text.ts'

const cause = new DrayError('io-failed', 'no space left on device', { hints: ['2.8 GiB are free on "/var/lib/docker"'] })
const pipelineError = (thrown: unknown): PipelineError => new PipelineError('rollback-incomplete', 'migrate', {
  step: 'load image', cause: thrown, undone: ['stop source'], leftBehind: [{ what: 'archive "/var/tmp/web\n.tar"', problem: 'permission denied' }], committed: false,
})

test('an error and its hints, which cannot draw', () => {
  expect(errorText(new DrayError('not-found', 'no such container: "a\u001b[2J"', { hints: ['dray list', 'docker ps'] }))).toBe('dray: error: no such container: "a\\x1b[2J"\ndray: hint: dray list\ndray: hint: docker ps')
})

test('a failed pipeline: what, where, what is left', () => {
  expect(errorText(pipelineError(cause))).toBe(`dray: error: migrate: load image: no space left on device
dray: hint: 2.8 GiB are free on "/var/lib/docker"
dray: left behind: archive "/var/tmp/web\\x0a.tar": permission denied
dray: hint: remove what is left with: dray clean`)
  expect(errorJson(pipelineError(cause))).toEqual({
    code: 'rollback-incomplete', exitCode: 41, message: 'migrate: load image: no space left on device', hints: cause.hints, step: 'load image', undone: ['stop source'],
    leftBehind: [{ what: 'archive "/var/tmp/web\n.tar"', problem: 'permission denied' }], cause: { code: 'io-failed', exitCode: 30, message: cause.message, hints: cause.hints },
  })
})

test('several things that stand in the way are one on each line; in JSON the message names them all', () => {
  const conflict = new DrayError('conflict', 'nothing was changed on "unix:///x"', { list: ['volume "a\n" is there', 'port 80 is taken'], hints: ['use --replace'] })
  expect(errorText(pipelineError(conflict))).toContain('dray: error: migrate: load image: nothing was changed on "unix:///x":\ndray:   volume "a\\x0a" is there\ndray:   port 80 is taken\ndray: hint: use --replace\n')
  expect(errorJson(conflict)).toMatchObject({ message: 'nothing was changed on "unix:///x": volume "a\n" is there; port 80 is taken' })
  expect(errorText(new DrayError('conflict', 'nothing was changed', { list: ['port 80 is taken'] }))).toBe('dray: error: nothing was changed: port 80 is taken')
})

test('a bug comes with its stack and where to go with it, also out of a pipeline', () => {
  const bug = new TypeError('x is undefined')
  expect(errorText(bug)).toMatch(/^dray: error: unexpected: TypeError: x is undefined\n {4}at [^]*\ndray: hint: this is a bug in dray: please report it with the lines above$/)
  expect(errorText(pipelineError(bug))).toMatch(/^dray: error: migrate: load image: x is undefined\nTypeError: x is undefined\n {4}at [^]*\ndray: hint: this is a bug/)
  expect(errorText('a string')).toContain('unexpected: a string')
  expect(errorJson(bug)).toEqual({ code: 'unexpected', exitCode: 1, message: 'x is undefined' })
})
