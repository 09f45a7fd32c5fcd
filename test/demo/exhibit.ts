import { spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '../../src/engine/engine.ts'
import { must } from '../lab/command.ts'
import { currentRun } from '../lab/lab-run.ts'
import { ensurePackages } from '../lab/packages.ts'
import type { DemoHost } from './hosts.ts'

const image = 'drayage-demo/web:1'
const fill = `
mkdir -p /data/site /data/empty
i=0; while [ $i -lt 300 ]; do echo "page $i" > "/data/site/page $i.html"; i=$((i+1)); done
dd if=/dev/urandom of=/data/big bs=1M count=8 2>/dev/null
dd if=/dev/zero of=/data/sparse bs=1 count=0 seek=64M 2>/dev/null
ln /data/big /data/hard; ln -s ../etc/passwd /data/link; mkfifo /data/pipe
cp /bin/busybox /data/tool; chmod 4755 /data/tool; chown 1234:5678 /data/site; chmod 2770 /data/site
touch -d '2001-02-03 04:05:06' /data/big; chmod 0700 /data
echo state > /anonymous/state
echo changed > /etc/motd; rm /etc/removed; cp /bin/busybox /usr-tool; chmod 6755 /usr-tool
`
/** One line per entry: name, kind, mode, owner, size, time; then one per file with its content's digest. */
const list = `for d in /data /anonymous; do cd $d; find . | sort | while IFS= read -r f; do stat -c "$d %n %F %a %u:%g %s %Y %h" "$f"; done; find . -type f | sort | while IFS= read -r f; do md5sum "$f"; done; readlink link; done
stat -c "%n %a %s" /usr-tool /etc/motd; cat /etc/motd; ls /etc/removed 2>&1 | sed 's/^.*: //'`

/** A container with data of every kind, that is backed up, destroyed and restored. Disposing of it removes what is left. */
export class Exhibit implements AsyncDisposable {
  readonly name = `drayage-demo-${process.pid}`
  private readonly home: DemoHost

  private constructor(home: DemoHost) {
    this.home = home
  }

  static async make(host: DemoHost): Promise<Exhibit> {
    const exhibit = new Exhibit(host)
    const { engine } = host
    await importBusybox(engine)
    await engine.networks.create({ Name: exhibit.name, Driver: 'bridge', Labels: { kept: 'yes' } })
    await engine.volumes.create({ Name: exhibit.name, Labels: { kept: 'yes' } })
    const { id } = await engine.containers.create(
      {
        Image: image, StopTimeout: 1, Cmd: ['sh', '-c', 'mkdir -p /data/site; exec httpd -f -p 8080 -h /data/site'], Env: ['COLOUR=blue'], Labels: { app: 'demo' }, Volumes: { '/anonymous': {} },
        Healthcheck: { Test: ['CMD', 'true'], Interval: 200_000_000, Retries: 3 },
        HostConfig: { NetworkMode: exhibit.name, Mounts: [{ Type: 'volume', Source: exhibit.name, Target: '/data' }], RestartPolicy: { Name: 'unless-stopped' }, Memory: 128 * 1024 * 1024, CapAdd: ['NET_ADMIN'], Ulimits: [{ Name: 'nofile', Soft: 1024, Hard: 2048 }], Tmpfs: { '/scratch': 'size=1m' } },
        NetworkingConfig: { EndpointsConfig: { [exhibit.name]: { Aliases: ['website'] } } },
      },
      { name: exhibit.name },
    )
    await engine.containers.start(id)
    const { exitCode, stderr } = await engine.containers.exec(id, ['sh', '-ec', fill])
    if (exitCode !== 0) throw new Error(`the data was not made: ${stderr.toString()}`)
    return exhibit
  }

  /** Facts about data, writable layer and settings, as the engine and a program in the container see them. */
  async describe({ engine }: DemoHost): Promise<string[]> {
    const { stdout } = await engine.containers.exec(this.name, ['sh', '-c', list])
    const { Config, HostConfig, State, NetworkSettings } = await engine.containers.inspect(this.name)
    const settings = { env: Config.Env, labels: Config.Labels, image: Config.Image, health: Config['Healthcheck'], restart: HostConfig.RestartPolicy, memory: HostConfig['Memory'], capabilities: HostConfig['CapAdd'], ulimits: HostConfig['Ulimits'], tmpfs: HostConfig['Tmpfs'], networks: Object.keys(NetworkSettings.Networks), running: State.Running }
    return [...stdout.toString().trim().split('\n'), ...Object.entries(settings).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)]
  }

  async destroy({ engine }: DemoHost): Promise<void> {
    await engine.containers.remove(this.name, { force: true, volumes: true })
    await engine.volumes.remove(this.name)
    await engine.networks.remove(this.name)
    const labelled = await engine.images.list({ all: true, filters: { label: ['drayage.demo=1'] } })
    for (const { Id } of labelled) await engine.images.remove(Id, { force: true })
    await engine.images.remove(image, { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy(this.home)
  }
}

/** An image of one program, made from Debian's busybox: nothing is pulled. */
async function importBusybox(engine: Engine): Promise<void> {
  await ensurePackages('busybox-static')
  const folder = await mkdtemp(join(currentRun()?.dir ?? '', 'busybox-'))
  try {
    for (const each of ['bin', 'etc', 'tmp']) await mkdir(join(folder, each))
    await copyFile('/bin/busybox', join(folder, 'bin/busybox'))
    for (const applet of (await must('/bin/busybox', ['--list'])).split('\n').filter(name => name !== '' && name !== 'busybox')) await symlink('busybox', join(folder, 'bin', applet))
    await writeFile(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
    await writeFile(join(folder, 'etc/removed'), 'to be removed\n')
    const tar = spawn('tar', ['-C', folder, '--numeric-owner', '--owner=0', '--group=0', '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
    await engine.images.importRootfs(tar.stdout, { repo: 'drayage-demo/web', tag: '1', changes: ['ENV PATH=/bin', 'LABEL drayage.demo=1'] })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
