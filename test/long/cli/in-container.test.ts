import '../../one-realm.ts'
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { must } from '../../lab/command.ts'
import { startHost, type LabHost } from '../../lab/host.ts'
import { busyboxImage, importImage } from '../../lab/images.ts'
import { ensurePackages } from '../../lab/packages.ts'
import { debootstrap } from '../../lab/trees.ts'
import { waitUntil } from '../../lab/wait.ts'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
let host: LabHost
let folder: string

/** As docs/container/Dockerfile makes it: its Debian release, its packages in its versions, the program beside its dependencies. */
async function buildImage(): Promise<void> {
  const recipe = await readFile(join(root, 'docs/container/Dockerfile'), 'utf8')
  const [, second = ''] = recipe.split(/^FROM debian:(?:\w+)-slim$/m)
  const [, packages = ''] = /--no-install-recommends (.*) \\$/m.exec(second) ?? []
  const [, entrypoint = '[]'] = /^ENTRYPOINT (.*)$/m.exec(second) ?? []
  const wanted = packages.split(' ').map(each => each.split('=') as [string, string | undefined])
  expect(wanted.map(([name]) => name)).toContain('nodejs')
  await ensurePackages('mmdebstrap')
  const tree = join(folder, 'tree')
  await debootstrap('trixie', wanted.map(([name]) => name), `${tree}.tar`, ['usr/share/doc/*', 'usr/share/man/*', 'var/cache/apt/*', 'var/lib/apt/lists/*'])
  await mkdir(tree)
  await must('tar', ['-C', tree, '-xf', `${tree}.tar`, '--exclude', './dev'])
  for (const [name, version = ''] of wanted) {
    const found = (await must('dpkg-query', ['--admindir', join(tree, 'var/lib/dpkg'), '--show', '--showformat', '${Version}', name])).trim()
    expect({ name, found }).toEqual({ name, found: expect.stringMatching(new RegExp(`^${version.replaceAll('.', '\\.').replaceAll('*', '.*')}`)) })
  }
  const program = join(tree, 'opt/drayage')
  const dependencies = (await must('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: root, env: { PATH: process.env['PATH'], HOME: folder } })).trim().split('\n').filter(path => path.includes('/node_modules/')).map(path => relative(root, path))
  for (const path of ['package.json', 'LICENSE', 'bin', 'dist/bundle', ...dependencies.filter(path => path.lastIndexOf('node_modules/') === 0)]) {
    await mkdir(dirname(join(program, path)), { recursive: true })
    await cp(join(root, path), join(program, path), { recursive: true })
  }
  await importImage(host, 'drayage:lab', tree, { entrypoint: JSON.parse(entrypoint) as string[], cmd: ['--help'], env: { DRAY_REPO: '/repo', XDG_STATE_HOME: '/state' }, volumes: ['/repo', '/state'] })
}

beforeAll(async () => {
  host = await startHost({ engine: '20.10' })
  folder = await mkdtemp(join(tmpdir(), 'drayage-container-'))
  await buildImage()
  await busyboxImage(host, 'box:1', { cmd: ['sleep', '100000'] })
  await must('sh', ['-c', `mkdir ${host.sharedDir}/site && echo hello > ${host.sharedDir}/site/index.html`])
  await docker('run', '--detach', '--init', '--stop-timeout', '0', '--name', 'web', '--volume', 'web-data:/data', '--volume', `${host.sharedDir}/site:/site`, 'box:1')
  await docker('exec', 'web', 'sh', '-c', 'for i in $(seq 300); do head -c 20000 /dev/urandom > /data/$i; done')
}, 600_000)

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await host[Symbol.asyncDispose]()
}, 120_000)

async function docker(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await host.docker(args)
  if (exitCode !== 0) throw new Error(`docker ${args.join(' ').slice(0, 200)} ended with ${exitCode}: ${stderr}${stdout.slice(-2000)}`)
  return stdout.trim()
}

/** As the compose file has it. */
const recipe = ['--pid', 'host', '--network', 'host', '--volume', '/run/docker.sock:/var/run/docker.sock', '--volume', 'repo:/repo', '--volume', 'state:/state']
const dray = (options: readonly string[], ...args: readonly string[]): Promise<string> => docker('run', '--rm', ...recipe, ...options, 'drayage:lab', ...args)

type Result = { readonly exitCode: number; readonly backups: readonly { readonly container: string; readonly freeze: { readonly way: string }; readonly mounts: readonly { readonly label: string; readonly reader: string; readonly entries: number }[] }[] }
const resultOf = (said: string): Result => JSON.parse(said.split('\n').at(-1) ?? '') as Result
const withoutItself = ['--label', 'dray.backup=false']

test('the socket and a volume are enough: what cannot be proved to be the host\'s own files is read by a helper', async () => {
  expect(resultOf(await dray(withoutItself, 'backup', '--all', '--json'))).toMatchObject({ exitCode: 0, backups: [{ container: 'web', freeze: { way: 'pause' }, mounts: expect.arrayContaining([expect.objectContaining({ label: 'web-data', reader: 'helper', entries: 301 }), expect.objectContaining({ reader: 'helper', entries: 2 })]) }] })
  expect(await docker('ps', '--format', '{{.Names}} {{.Status}}')).toMatch(/^web Up [^(]*$/)
  expect(await docker('images', '--format', '{{.Repository}}')).not.toContain('tmp')
}, 120_000)

test('with the engine\'s volumes under their own path they are read directly, and nothing is read again', async () => {
  const volumes = `${host.dataRoot}/volumes`
  const said = await dray([...withoutItself, '--volume', `${volumes}:${volumes}`], 'backup', '--all', '--json')
  expect(resultOf(said)).toMatchObject({ exitCode: 0, backups: [{ mounts: expect.arrayContaining([expect.objectContaining({ label: 'web-data', reader: 'host', keptEntries: 301 }), expect.objectContaining({ reader: 'helper' })]) }] })
  expect(await dray(withoutItself, 'verify', '--deep', '-q')).toBe('')
}, 120_000)

test('the one that it runs in is backed up with --all as well, and goes on', async () => {
  const { exitCode, backups } = resultOf(await dray([], 'backup', '--all', '--exclude', '/repo', '--exclude', '/state', '--json'))
  expect(exitCode).toBe(0)
  expect(backups.map(({ freeze }) => freeze.way).sort()).toEqual(['none', 'pause'])
}, 120_000)

test('one that is killed, with its container: the next finds that it is dead, wakes what it had paused, and works', async () => {
  await docker('run', '--detach', '--name', 'night', ...recipe, ...withoutItself, 'drayage:lab', 'backup', 'web', '--json')
  const said = async (): Promise<string> => (await host.docker(['logs', 'night'])).stdout
  await waitUntil(async () => (await said()).includes('{"event":"step","name":"read what has changed, while it rests","state":"started"}') || (await said()).includes('"event":"result"'), 'the night to rest its container')
  await docker('rm', '--force', 'night')
  expect(resultOf(await dray(withoutItself, 'backup', '--all', '--json'))).toMatchObject({ exitCode: 0, backups: [{ freeze: { way: 'pause' } }] })
  expect(await docker('ps', '--format', '{{.Names}} {{.Status}}')).toMatch(/^web Up [^(]*$/)
  expect(await dray(withoutItself, 'clean', '--dry-run', '-q')).toBe('nothing is left of earlier runs')
}, 120_000)

/** Its own process numbers, which are the same each time, and its own name, which is another each time or the same. */
test.each([['any name', []], ['one name', ['--hostname', 'nightly']]])('with no more than the socket and the volumes, and %s: a living one is respected, the next one puts right what a killed one has left', async (_, names) => {
  const bare = [...names, '--volume', '/run/docker.sock:/var/run/docker.sock', '--volume', 'repo:/repo', '--volume', 'state:/state', ...withoutItself]
  const isolated = (...args: readonly string[]): Promise<string> => docker('run', '--rm', ...bare, 'drayage:lab', ...args)
  const state = (name: string): Promise<string> => docker('inspect', '--format', '{{.State.Status}}', name)
  // So many files that it rests for longer than it takes to stop the one who looks at them.
  await docker('run', '--detach', '--init', '--stop-timeout', '0', '--name', 'many', '--volume', 'many:/data', 'box:1')
  await docker('exec', 'many', 'sh', '-c', 'cd /data && seq 60000 | xargs touch')
  await docker('run', '--detach', '--name', 'night', ...bare, 'drayage:lab', 'backup', 'many')
  await waitUntil(async () => (await state('many')) === 'paused' || (await state('night')) === 'exited', 'the night to rest its container', 60_000)
  await docker('pause', 'night')
  expect(await state('many')).toBe('paused')
  expect(await host.docker(['run', '--rm', ...bare, 'drayage:lab', 'prune', '--wait', '1s', '-q'])).toMatchObject({ exitCode: 31 })
  expect(await isolated('clean', '-q')).toBe('')
  await docker('rm', '--force', 'night')
  expect(await isolated('prune', '--wait', '1s', '-q')).toBe('')
  expect(await isolated('clean')).toContain('unpaused the container "many" that a killed run had paused')
  expect([await state('many'), await state('web')]).toEqual(['running', 'running'])
  expect(await isolated('backup', '--all', '-q')).toBe('')
  await docker('rm', '--force', 'many')
  await docker('volume', 'rm', 'many')
}, 120_000)

test('what it stored is restored by it', async () => {
  const before = await docker('exec', 'web', 'sh', '-c', 'md5sum /data/*')
  await docker('rm', '--force', 'web')
  await docker('volume', 'rm', 'web-data')
  expect(await dray(withoutItself, 'restore', 'latest', 'web', '-q')).toBe('web')
  expect(await docker('exec', 'web', 'sh', '-c', 'md5sum /data/*')).toBe(before)
}, 120_000)
