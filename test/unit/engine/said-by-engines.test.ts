import '../../one-realm.ts'
import { expect, test } from '@jest/globals'
import { ApiFailure, connecting, fromApiFailure, fromCall, NoAnswerInTime } from '../../../src/engine/engine-error.ts'

test.each([
  ['no such image: nope:1: No such image: nope:1', 'inspecting: no such image: nope:1'],
  ['No such image: nope:1', 'inspecting: No such image: nope:1'],
  ['a: b: c', 'inspecting: a: b: c'],
])('%j is said once', (words, message) => {
  expect(fromApiFailure(new ApiFailure(404, words), 'inspecting').message).toBe(message)
})

test.each([
  ['ssh://root@old:2222', connecting, 'see whether this answers: ssh -p 2222 root@old docker version'],
  ['ssh://old/var/run/docker.sock', connecting, 'see whether this answers: ssh old docker version'],
  ['unix:///run/docker.sock', connecting, 'see whether this answers: docker -H unix:///run/docker.sock version'],
  ['ssh://old', 'pausing "web"', 'the engine may be busy with this container, or hang: see its log'],
])('silence of %s while %s', (address, doing, hint) => {
  expect(fromCall(new NoAnswerInTime(10), { address, doing })).toMatchObject({ code: 'engine-unreachable', hints: [hint] })
})
