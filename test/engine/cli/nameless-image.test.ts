import '../../one-realm.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { run } from '../../lab/command.ts'
import { startHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'

const dray = fileURLToPath(new URL('../../../../bin/dray.js', import.meta.url))

/** The name that Config.Image says is taken away again after create: from an image that a running container uses, and that has no other. */
test.each(['20.10', '28.5'] as const)('a container whose image has lost its name is restored beside itself: %s', async engine => {
  await using host = await startHost({ engine })
  const folder = await mkdtemp(join(tmpdir(), 'dray-nameless-'))
  const cli = (...args: string[]) => run(process.execPath, [dray, ...args, '--quiet', '-H', `unix://${host.socket}`], { env: { PATH: process.env['PATH'], HOME: folder } })
  try {
    await busyboxImage(host, 'box:1', { cmd: ['sleep', '1000'] })
    for (const args of [['run', '-d', '--name', 'web', 'box:1'], ['exec', 'web', 'sh', '-c', 'echo changed > /etc/motd']]) await host.docker(args)
    expect(await cli('backup', 'web')).toMatchObject({ exitCode: 0, stderr: '' })
    await host.docker(['rm', '-f', 'web'])
    await host.docker(['rmi', '-f', 'box:1'])
    // The container runs from the commit, whose name was for the moment of create: box:1 is the original's.
    expect(await cli('restore', 'latest', 'web')).toMatchObject({ exitCode: 0, stderr: '' })
    await host.docker(['rmi', '-f', 'box:1'])
    expect(await cli('restore', 'latest', 'web', '--name', 'web2')).toMatchObject({ exitCode: 0, stderr: '' })
    await host.docker(['rmi', '-f', 'box:1'])
    expect(await cli('backup', 'web')).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await cli('restore', 'latest', 'web', '--name', 'web3')).toMatchObject({ exitCode: 0, stderr: '', stdout: 'web3\n' })
    expect((await host.docker(['exec', 'web3', 'cat', '/etc/motd'])).stdout).toBe('changed\n')
    expect((await host.docker(['image', 'ls', '-q', 'box'])).stdout).toBe('')
    expect(await cli('clean')).toMatchObject({ exitCode: 0, stdout: '', stderr: '' })
  } finally {
    await rm(folder, { recursive: true })
  }
}, 120_000)
