import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { EngineName } from '../../lab/engines.ts'
import { replayCase } from '../../engine/engine/spec-replay.ts'
import { casesFor, startSpecHost, type SpecHost } from '../../engine/engine/spec-lab.ts'

const engines = ['20.10', '26.1', '28.5'] as const
const api: Record<typeof engines[number], string> = { '20.10': '1.41', '26.1': '1.45', '28.5': '1.51' }

/** What an older target cannot have, and what it says about it. */
const tooNew: Readonly<Record<string, { readonly since: string; readonly refused?: string; readonly loss?: string }>> = {
  'annotations': { since: '1.43', loss: 'HostConfig.Annotations' },
  'start-interval': { since: '1.44', loss: 'Config.Healthcheck.StartInterval' },
  'read-only-bind-not-recursive': { since: '1.44', loss: 'HostConfig.Mounts' },
  'endpoint-mac-address': { since: '1.41' },
  'volume-subpath': { since: '1.45', refused: 'mounts a part of a volume' },
  'gateway-priority': { since: '1.48', loss: 'GwPriority' },
  'image-mount': { since: '1.48', refused: 'mounts an image' },
}

describe.each(engines)('from engine %s', from => {
  const hosts = new Map<EngineName, SpecHost>()

  beforeAll(async () => {
    for (const each of engines) hosts.set(each, await startSpecHost(each))
  }, 180_000)
  afterAll(async () => {
    for (const host of hosts.values()) await host[Symbol.asyncDispose]()
  }, 60_000)

  describe.each(engines.filter(to => to !== from || to !== '20.10'))('to engine %s', to => {
    test.each(casesFor(api[from]))('$name', async each => {
      const replaying = replayCase(hosts.get(from)!, hosts.get(to)!, each)
      const limits = tooNew[each.name]
      const isTooNew = limits !== undefined && Number(limits.since.slice(2)) > Number(api[to].slice(2))
      if (isTooNew && limits.refused !== undefined) return expect(replaying).rejects.toThrow(limits.refused)
      const { comparison, request } = await replaying
      expect(comparison.differences).toEqual([])
      expect(request.losses.map(({ field }) => field.replace(/^.*(?=GwPriority)/, ''))).toEqual(isTooNew ? expect.arrayContaining([limits.loss]) : [])
      expect(new Set(comparison.engineDefaults.map(({ field }) => field))).toEqual(new Set([
        ...(each.name === 'exited' ? ['State.Status'] : []),
        ...(from === to || /^(privileged|systempaths-unconfined)$/.test(each.name) ? [] : ['HostConfig.MaskedPaths']),
      ]))
    }, 60_000)
  })
})
