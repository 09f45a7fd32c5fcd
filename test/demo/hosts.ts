import { connectEngine } from '../../src/engine/connect.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { startHost } from '../lab/host.ts'

/** An engine that the demo works on, as dray is told of it. */
export interface DemoHost extends AsyncDisposable {
  readonly address: string
  readonly description: string
  readonly engine: Engine
}

/** The engine that answers where docker would look for it, else a private one. */
export async function chooseFirstHost(): Promise<DemoHost> {
  try {
    const engine = await connectEngine({ env: process.env })
    return { address: engine.address, description: `${describe(engine)}, which answers at ${engine.address}`, engine, [Symbol.asyncDispose]: () => engine.close() }
  } catch {
    return await privateHost('demo1')
  }
}

export async function startSecondHost(): Promise<DemoHost> {
  return await privateHost('demo2')
}

async function privateHost(name: string): Promise<DemoHost> {
  const host = await startHost({ engine: '20.10', name })
  const engine = await connectEngine({ host: `unix://${host.socket}`, env: process.env })
  const dispose = async (): Promise<void> => {
    await engine.close()
    await host[Symbol.asyncDispose]()
  }
  return { address: `unix://${host.socket}`, description: `${describe(engine)}, private to this demo`, engine, [Symbol.asyncDispose]: dispose }
}

function describe({ facts }: Engine): string {
  return `Docker ${facts.serverVersion} (${facts.store === 'containerd' ? 'containerd store' : facts.driver})`
}
