import { afterAll, afterEach, beforeAll } from '@jest/globals'
import { startRegistry, type LabRegistry } from '../../lab/registry.ts'
import { startRegistryProxy, type RegistryProxy } from '../../lab/registry-proxy.ts'
import { RegistryLab } from './registry-lab.ts'

export type ProxiedRegistry = { readonly lab: RegistryLab; readonly registry: LabRegistry; readonly proxy: RegistryProxy }

/** A repository, a registry and a proxy before it for all tests of a file; each begins with everything passing. */
export function useProxiedRegistry(limit: number, onStarted: (started: ProxiedRegistry) => void | Promise<void>): void {
  let started: ProxiedRegistry
  beforeAll(async () => {
    const [lab, registry] = await Promise.all([RegistryLab.start(), startRegistry()])
    started = { lab, registry, proxy: await startRegistryProxy(registry.address) }
    await onStarted(started)
  }, limit)
  afterEach(() => {
    started.proxy.fate = () => 'pass'
  })
  afterAll(async () => {
    await started.proxy[Symbol.asyncDispose]()
    await Promise.all([started.lab[Symbol.asyncDispose](), started.registry[Symbol.asyncDispose]()])
  }, limit)
}
