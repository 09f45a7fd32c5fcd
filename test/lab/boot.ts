import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { recordProcess } from './lab-run.ts'

export type BootOptions = {
  readonly dir: string
  readonly hostname: string
  /** The root file system to run in; undefined for the machine's own. */
  readonly tree: string | undefined
  /** Directories that keep their path inside, besides `dir`: mounts of their own below it. */
  readonly mounts: readonly string[]
  /** Where inside the host the data directory is put, when it must not be at its outside path. */
  readonly hiddenData: string | undefined
}

/**
 * Boots a host: network, mount, UTS and process namespaces whose first process this is. Killing it ends every process of the
 * host and with them its mounts and its network. The kernel kills it when this process dies. Returns its process id.
 */
export async function boot({ dir, hostname, tree, mounts, hiddenData }: BootOptions): Promise<number> {
  const env = { PATH: path, LAB_DIR: dir, LAB_HOSTNAME: hostname, LAB_TREE: tree ?? '', LAB_MOUNTS: mounts.join(' '), LAB_HIDDEN_DATA: hiddenData ?? '' }
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', '--net', '--mount', '--uts', '--pid', '--fork', '--kill-child', '--propagation', 'private', 'sh', '-c', script], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const pid = Number((await lines.next()).value ?? 0)
  if (pid > 0) await recordProcess(dir, pid)
  const ready = await lines.next()
  if (ready.value !== 'ready') {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    throw new Error(`the host "${hostname}" did not boot: ${said.trim()}`)
  }
  child.unref()
  child.stdout.destroy()
  child.stderr.destroy()
  return pid
}

export const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The outer process id is read before /proc is mounted anew. What follows the last line waits for orphans, as a first process must. */
const script = `
set -eu
read -r pid rest < /proc/self/stat
echo "$pid"
hostname "$LAB_HOSTNAME" 2>/dev/null || echo "$LAB_HOSTNAME" > /proc/sys/kernel/hostname
if [ -n "$LAB_TREE" ]; then
  mkdir -p "$LAB_DIR/upper" "$LAB_DIR/work" "$LAB_DIR/root"
  root="$LAB_DIR/root"
  mount -t overlay -o "lowerdir=$LAB_TREE,upperdir=$LAB_DIR/upper,workdir=$LAB_DIR/work" lab "$root"
  mkdir -p "$root$LAB_DIR" "$root/oldroot"
  mount --bind "$LAB_DIR" "$root$LAB_DIR"
  for each in $LAB_MOUNTS; do mkdir -p "$root$each"; mount --bind "$each" "$root$each"; done
  mount --rbind /dev "$root/dev"
  mount --rbind /sys "$root/sys"
  cd "$root"
  pivot_root . oldroot
  cd /
  mount -t proc proc /proc
  umount -l /oldroot
else
  base="\${LAB_DIR%/*/*}"
  while read -r device point rest; do
    case "$point" in "$LAB_DIR"/*) ;; "$base"/*) umount -l "$point" ;; esac
  done < /proc/self/mounts
  mkdir -p "$LAB_DIR/upper" "$LAB_DIR/work"
  mount -t overlay -o "lowerdir=/etc,upperdir=$LAB_DIR/upper,workdir=$LAB_DIR/work" lab /etc
  mount -t proc proc /proc
fi
echo "$LAB_HOSTNAME" > /etc/hostname
printf '127.0.0.1 localhost %s\\n' "$LAB_HOSTNAME" > /etc/hosts
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/lock
# what root's shell does here when it starts may take long, or wait for a lock that a killed session has left
for each in .bashrc .profile .bash_profile .bash_login; do
  file="$(getent passwd root | cut -d: -f6)/$each"
  if [ -e "$file" ]; then mount --bind /dev/null "$file"; fi
done
if [ -n "$LAB_HIDDEN_DATA" ]; then
  mkdir -p "$LAB_HIDDEN_DATA"
  mount --bind "$LAB_DIR/data" "$LAB_HIDDEN_DATA"
fi
echo ready
exec >/dev/null 2>&1
while :; do sleep 86400 & wait $!; done
`
