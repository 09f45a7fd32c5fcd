import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, lutimesSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { makeOddTree } from '../../trees/odd-tree.ts'
import { diffSnapshots, snapshotTree, type SnapshotEntry } from '../../trees/snapshot-tree.ts'
import { docker, inspect } from './dray.ts'

export type WholeOptions = { readonly files: number; readonly bytes: number; readonly trusted?: boolean }

/** The image: a declared volume with content, a setuid file and a file to be deleted. */
export async function makeImage(host: LabHost): Promise<void> {
  await busyboxImage(host, 'base:1')
  await host.sh(`set -e; docker create --name maker base:1 sh -c 'mkdir -p /srv/declared /opt; echo image > /srv/declared/from-image; echo gone > /opt/deleted; echo old > /opt/changed; echo kept > /opt/kept'
    docker start -a maker; docker commit -c 'VOLUME /srv/declared' -c 'CMD ["sleep", "100000"]' -c 'ENV FROM=image' -c 'EXPOSE 80' maker shop/web:1; docker tag shop/web:1 shop/web:stable; docker rm maker; docker rmi base:1`)
}

/**
 * A container with everything that a spec and its data can have, made with the docker command as people do it: "web", with the
 * volume "web-data" full of odd entries, an anonymous one, a declared one, binds of a file, a directory and a read-only one, the
 * volume at two places, a mount within a mount, the volumes of "store", limits, health, a network with an address of its own.
 */
export async function makeWhole(host: LabHost, { files, bytes, trusted = true }: WholeOptions): Promise<void> {
  await makeImage(host)
  const shared = host.sharedDir
  await host.sh(`set -e; S=${shared}
    mkdir -p $S/conf.d $S/site/inner $S/ro; echo 'key = value' > $S/app.conf; chmod 640 $S/app.conf; chown 12:34 $S/app.conf
    echo one > $S/conf.d/one; ln -s one $S/conf.d/link; mkfifo $S/conf.d/pipe; echo index > $S/site/index; echo readonly > $S/ro/file; chmod 4755 $S/ro/file
    docker network create --label net=label --subnet 10.97.40.0/24 --gateway 10.97.40.1 --opt com.docker.network.bridge.name=dr-web web-net
    docker volume create --label vol=label web-data >/dev/null; docker volume create web-inner >/dev/null
    docker create --name store -v store-data:/store -v /store-anonymous shop/web:1 true >/dev/null`)
  await fill(await mountpoint(host, 'web-data'), { files, bytes, trusted })
  writeFileSync(join(await mountpoint(host, 'web-inner'), 'inner'), 'nested\n')
  const storeData = await mountpoint(host, 'store-data')
  writeFileSync(join(storeData, 'store'), 'of the other container\n')
  chmodSync(join(storeData, 'store'), 0o4711)
  await runWhole(host)
}

/** The command alone, for a host where everything else is there. */
export async function runWhole(host: LabHost): Promise<void> {
  await host.sh(`set -e; S=${host.sharedDir}
    docker run -d --name web --hostname shop --domainname example.test --user 0:0 --workdir /opt -e FROM=user -e EMPTY= -e 'TWO WORDS=a b' -l a=b -l empty= \\
      --network web-net --ip 10.97.40.40 --network-alias shop --network-alias www -p 127.0.0.1:18080:80 -p 18053:53/udp \\
      --memory 96m --memory-reservation 48m --cpus 0.5 --cpu-shares 512 --pids-limit 200 --ulimit nofile=1000:2000 --ulimit core=0 --shm-size 32m --oom-score-adj 100 \\
      --health-cmd 'test -e /data/plain' --health-interval 1s --health-retries 5 --health-timeout 5s --stop-signal SIGKILL --stop-timeout 7 \\
      --cap-add NET_ADMIN --cap-drop MKNOD --security-opt no-new-privileges --sysctl net.core.somaxconn=512 --group-add 5 --init --tmpfs /mem:size=1m,mode=1770 \\
      --log-opt max-size=1m --log-opt max-file=2 --restart unless-stopped --dns 192.0.2.1 --add-host db.test:192.0.2.2 \\
      -v web-data:/data -v web-data:/data-again:ro -v /anonymous -v $S/app.conf:/etc/app.conf -v $S/conf.d:/etc/conf.d -v $S/ro:/ro:ro -v $S/site:/site -v web-inner:/site/inner --volumes-from store \\
      shop/web:1 sh -c 'trap "exit 0" TERM; while :; do sleep 1; done' >/dev/null
    docker exec web sh -c 'echo fresh > /opt/new; echo new > /opt/changed; rm /opt/deleted; cp /bin/busybox /opt/suid; chmod 4755 /opt/suid; chown 33:44 /opt/new; echo anon > /anonymous/file; chmod 2755 /anonymous; rm /srv/declared/from-image; echo mine > /srv/declared/mine; ln -s nowhere /opt/dangling; mkdir -m 1777 /opt/sticky'`)
}

async function fill(root: string, { files, bytes, trusted }: Required<WholeOptions>): Promise<void> {
  await makeOddTree(root, { trusted })
  const folders = Math.ceil(files / 200)
  const size = Math.floor(bytes / files)
  for (let folder = 0; folder < folders; folder++) mkdirSync(join(root, `bulk-${folder}`))
  for (let at = 0; at < files; at++) {
    const path = join(root, `bulk-${at % folders}`, `file-${at}`)
    writeFileSync(path, randomBytes(at % 10 === 0 ? size * 5 : Math.floor((size * 5) / 9)))
    if (at % 3 === 0) chownSync(path, 1000 + (at % 7), 100)
    if (at % 5 === 0) chmodSync(path, 0o600)
  }
  lutimesSync(root, 1_000_000_000.25, 1_000_000_000.25)
}

export async function mountpoint(host: LabHost, volume: string): Promise<string> {
  return await docker(host, 'volume', 'inspect', '--format', '{{.Mountpoint}}', volume)
}

/** What the container holds: every mount by its destination, and the files of its root file system. */
export type WholeData = { readonly mounts: Readonly<Record<string, SnapshotEntry[]>>; readonly rootfs: string }

export async function dataOf(host: LabHost, container: string, inLayer = '/opt'): Promise<WholeData> {
  const { Mounts } = await inspect(host, container)
  const mounts = Object.fromEntries(Mounts.map(({ Destination, Source }) => [Destination, snapshotOf(Source)]).sort())
  return { mounts, rootfs: await rootfsOf(host, container, inLayer) }
}

function snapshotOf(path: string): SnapshotEntry[] {
  if (statSync(path).isDirectory()) return snapshotTree(path)
  return snapshotTree(join(path, '..')).filter(({ name }) => name === `./${path.split('/').at(-1) ?? ''}`)
}

/** Kind, mode, owner, size, time and content of everything at a place of the root file system. */
async function rootfsOf(host: LabHost, container: string, place: string): Promise<string> {
  const name = place.slice(1)
  return await host.sh(`set -e; d=$(mktemp -d); docker export '${container}' > $d/tar; tar -tv --numeric-owner --full-time -f $d/tar ${name}; tar -xO -f $d/tar ${name} | sha256sum; rm -r $d`)
}

/**
 * What the container was told, as its engine answers it: without ids, times and addresses that are given, the shared directory
 * as "$S". Between two hosts of one engine it is equal.
 */
export async function specOf(host: LabHost, container: string): Promise<object> {
  const { Name, Config, HostConfig, NetworkSettings, State, Mounts, Platform } = await inspect(host, container)
  const others = Object.fromEntries(await Promise.all((HostConfig['VolumesFrom'] as string[] | null ?? []).map(async other => [other, (await inspect(host, other)).Name] as const)))
  const networks = Object.fromEntries(Object.entries(NetworkSettings.Networks).map(([name, { IPAMConfig, Aliases, IPAddress }]) => [name, { IPAMConfig, Aliases: Aliases?.filter(alias => !/^[0-9a-f]{12}$/.test(alias)), IPAddress }]))
  const mounts = Mounts.map(({ Type, Name: volume = '', Source, Destination, RW, Mode }) => ({ Type, name: /^[0-9a-f]{64}$/.test(volume) ? 'anonymous' : volume, source: Type === 'bind' ? Source : '', Destination, RW, Mode }))
  const network = (JSON.parse(await docker(host, 'network', 'inspect', 'web-net')) as Record<string, unknown>[]).map(({ Driver, IPAM, Options, Labels, Internal }) => ({ Driver, IPAM, Options, Labels, Internal }))
  const volume = (JSON.parse(await docker(host, 'volume', 'inspect', 'web-data')) as Record<string, unknown>[]).map(({ Driver, Options, Labels }) => ({ Driver, Options, Labels }))
  const spec = { Name, Config, HostConfig, networks, status: State.Status, Platform, mounts: mounts.sort((a, b) => (a.Destination < b.Destination ? -1 : 1)), network, volume }
  const text = Object.entries(others).reduce((json, [id, name]) => json.replaceAll(id, name), JSON.stringify(spec))
  return JSON.parse(text.replaceAll(host.sharedDir, '$S')) as object
}

/** One line for everything that differs; empty means that both hold the same. */
export function differences(before: WholeData, after: WholeData): string[] {
  const places = [...new Set([...Object.keys(before.mounts), ...Object.keys(after.mounts)])]
  return [
    ...places.flatMap(place => diffSnapshots(before.mounts[place] ?? [], after.mounts[place] ?? []).map(line => `${place}: ${line}`)),
    ...(before.rootfs === after.rootfs ? [] : [`the root file system was:\n${before.rootfs}\nis:\n${after.rootfs}`]),
  ]
}

/** All containers, volumes, networks and images of the engine go, and all files of the shared directory. */
export async function destroy(host: LabHost): Promise<void> {
  await host.sh('docker ps -aq | xargs -r docker rm -fv >/dev/null; docker volume ls -q | xargs -r docker volume rm >/dev/null; docker network prune -f >/dev/null')
  for (let left = await docker(host, 'images', '-aq'); left !== ''; left = await docker(host, 'images', '-aq')) {
    const { stdout, stderr } = await host.docker(['rmi', '-f', ...new Set(left.split('\n'))])
    if (stdout === '') throw new Error(`no image could be removed: ${stderr}`) // those with children fail at first
  }
  for (const name of readdirSync(host.sharedDir)) rmSync(join(host.sharedDir, name), { recursive: true })
}
