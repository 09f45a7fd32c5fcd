import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import type { LabHost } from '../../lab/host.ts'
import { expectExit, type Dray } from './dray.ts'
import { useHost } from './use-host.ts'

/** `file` is where a plan is written. */
export type Plans = { readonly host: LabHost; readonly dray: Dray; readonly file: string }

/** A host for the tests of a file; before each two containers that share a volume, and a backup of both, handed to `keep`. */
export function usePlans(keep: (plans: Plans) => void): void {
  let host: LabHost
  let dray: Dray
  useHost(both => void ({ host, dray } = both), async () => {
    keep({ host, dray, file: join(dray.home, 'plan.yaml') })
    await host.sh(`set -e; mkdir -p ${host.sharedDir}/dir; echo bind > ${host.sharedDir}/dir/file; docker network create front >/dev/null
    docker run -d --name web --stop-signal KILL -p 18080:80 -p 127.0.0.1:18443:443/udp -v data:/data -v cache:/cache -v ${host.sharedDir}/dir:/dir --network front app:1 >/dev/null
    docker run -d --name side --stop-signal KILL -v data:/data app:1 >/dev/null; docker exec web sh -c 'echo stored > /data/file; echo stored > /cache/file'`)
    expectExit(await dray('backup', 'web', 'side'), 0)
  })
}

/** Each change has to meet something in the plan. */
export function editPlan(file: string, ...changes: readonly (readonly [RegExp | string, string])[]): void {
  let text = readFileSync(file, 'utf8')
  for (const [from, to] of changes) {
    expect(text).toMatch(from)
    text = text.replace(from, to)
  }
  writeFileSync(file, text)
}
