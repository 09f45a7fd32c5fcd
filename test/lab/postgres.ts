import { must } from './command.ts'
import type { LabHost } from './host.ts'
import { debianImage } from './images.ts'
import { waitUntil } from './wait.ts'

const dataDirectory = '/pgdata'
const network = 'database'

/** What the server does without: its own examples, what only the packager needs, and the compiler for queries. */
const without = ['usr/share/doc/*', 'usr/share/man/*', 'usr/share/locale/*', 'usr/share/postgresql/*/man', 'usr/lib/*/libLLVM*', 'usr/lib/postgresql/*/lib/bitcode', 'usr/lib/llvm*', 'var/lib/postgresql/*/*', 'var/lib/apt/lists/*', 'var/cache/apt/*']

const asPostgres = 'setpriv --reuid postgres --regid postgres --init-groups'

const serve = `set -e
cd /
if ! [ -s ${dataDirectory}/PG_VERSION ]; then
  chown postgres: ${dataDirectory}
  chmod 0700 ${dataDirectory}
  ${asPostgres} /usr/lib/postgresql/*/bin/initdb --pgdata ${dataDirectory} --auth trust --data-checksums --locale C.UTF-8
  echo 'host all all all trust' >> ${dataDirectory}/pg_hba.conf
fi
exec ${asPostgres} /usr/lib/postgresql/*/bin/postgres -D ${dataDirectory} -c listen_addresses='*' -c unix_socket_directories=/tmp -c autovacuum=off`

/** PostgreSQL of Debian's packages in a container, its data in a volume whose root belongs to it alone, and clients beside it. */
export class Postgres {
  readonly name: string
  private readonly host: LabHost

  constructor(host: LabHost, name: string) {
    this.host = host
    this.name = name
  }

  /** Makes the image and starts the server, its data in the volume `volume`. */
  static async start(host: LabHost, name: string, volume: string): Promise<Postgres> {
    await debianImage(host, 'postgres:lab', ['postgresql', 'postgresql-contrib'], { without, cmd: ['sh', '-c', serve], expose: ['5432'] })
    const server = new Postgres(host, name)
    await server.docker('network', 'create', network)
    await server.docker('run', '--detach', '--name', name, '--network', network, '--shm-size', '256m', '--volume', `${volume}:${dataDirectory}`, '--stop-signal', 'SIGINT', 'postgres:lab')
    await server.ready()
    return server
  }

  async ready(): Promise<void> {
    await waitUntil(async () => {
      if ((await this.docker('inspect', '--format', '{{.State.Running}}', this.name)) !== 'true') throw new Error(`"${this.name}" ended: ${await this.logs()}`)
      return (await this.host.docker(['exec', this.name, 'pg_isready', '--quiet', '--host', '/tmp'])).exitCode === 0
    }, `"${this.name}" to take connections`, 60_000)
  }

  /** A program of the server's, as its user: psql, pgbench, pg_amcheck. Returns what it said on both. */
  async run(program: string, ...args: readonly string[]): Promise<string> {
    return await this.docker('exec', '--user', 'postgres', '--workdir', '/tmp', this.name, 'sh', '-c', 'exec /usr/lib/postgresql/*/bin/"$0" "$@" 2>&1', program, '--host', '/tmp', ...args)
  }

  async query(database: string, sql: string): Promise<string> {
    return await this.run('psql', '--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--set', 'ON_ERROR_STOP=1', '--dbname', database, '--command', sql)
  }

  /** Starts a container whose clients write, over the network, until it is removed. */
  async startLoad(name: string, database: string, clients: number): Promise<void> {
    await this.docker('run', '--detach', '--name', name, '--network', network, 'postgres:lab', 'sh', '-c', 'exec /usr/lib/postgresql/*/bin/pgbench "$@"', 'sh', '--host', this.name, '--username', 'postgres', '--client', String(clients), '--jobs', '2', '--time', '100000', '--progress', '1', database)
  }

  async logs(of: string = this.name): Promise<string> {
    const { stdout, stderr } = await this.host.docker(['logs', of])
    return stdout + stderr
  }

  async docker(...args: readonly string[]): Promise<string> {
    return (await must('docker', ['--host', `unix://${this.host.socket}`, ...args])).trim()
  }
}
