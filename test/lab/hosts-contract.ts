import { expect, test } from '@jest/globals'
import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { run } from './command.ts'
import type { EngineName } from './engines.ts'
import { startHost, type LabHost } from './host.ts'
import { busyboxImage } from './images.ts'

/** What every engine's host must do; the time allows for packages and trees that are made on first use. */
export function testHosts(engine: EngineName): void {
  test('two hosts reach each other and leave nothing behind', async () => {
    const dirs: string[] = []
    const pids: number[] = []
    {
      await using a = await startHost({ engine })
      await using b = await startHost({ engine })
      dirs.push(dirname(a.socket), dirname(b.socket))
      pids.push(a.pid, b.pid)
      const [idA, idB] = await Promise.all([a, b].map(host => said(host, 'info', '--format', '{{.ID}} {{.Name}}')))
      expect(idA).not.toBe(idB)
      expect(await said(a, 'version', '--format', '{{.Server.Version}}')).toContain(engine.split('-')[0]!)

      await Promise.all([a, b].map(host => serve(host, `from ${host.name}`)))
      for (const [client, server] of [[a, b], [b, a]] as const) {
        expect(await said(client, 'run', '--rm', 'busybox:1', 'wget', '-qO-', `http://${server.address}:8080/`)).toBe(`from ${server.name}`)
      }
      expect(await (await fetch(`http://${a.address}:8080/`)).text()).toBe(`from ${a.name}`)

      const overSsh = await run('docker', ['-H', b.ssh.endpoint, 'info', '--format', '{{.Name}}'], { env: { ...process.env, ...b.ssh.env } })
      expect(overSsh).toEqual({ stdout: `${b.name}\n`, stderr: '', exitCode: 0 })

      const mountpoint = await said(a, 'volume', 'inspect', '--format', '{{.Mountpoint}}', 'www')
      expect(readFileSync(`${mountpoint}/index.html`, 'utf8')).toBe(`from ${a.name}`)
    }
    expect([...dirs, ...pids.map(pid => `/proc/${pid}`)].filter(path => existsSync(path))).toEqual([])
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(dirs[0])
  }, 300_000)
}

/** The trimmed output of a docker command on the host; throws what it said when it fails. */
export async function said(host: LabHost, ...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await host.docker(args)
  if (exitCode !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

async function serve(host: LabHost, text: string): Promise<void> {
  await busyboxImage(host, 'busybox:1')
  await said(host, 'run', '--rm', '-v', 'www:/www', 'busybox:1', 'sh', '-c', `printf %s '${text}' > /www/index.html`)
  await said(host, 'run', '-d', '-p', '8080:80', '-v', 'www:/www', 'busybox:1', 'httpd', '-f', '-p', '80', '-h', '/www')
}
