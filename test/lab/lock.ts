import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { waitUntil } from './wait.ts'

/**
 * Holds a lock among all processes of the machine while `work` runs. It is an abstract socket, so the kernel frees it with its
 * owner and nothing can be left behind.
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const address = `\0drayage-lab-${createHash('sha256').update(name).digest('hex').slice(0, 24)}`
  let server: Server | undefined
  await waitUntil(async () => (server = await listen(address)) !== undefined, `the lock on "${name}"`, 600_000)
  try {
    return await work()
  } finally {
    await new Promise(done => server?.close(done))
  }
}

function listen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(address, () => {
      server.unref()
      resolve(server)
    })
  })
}
