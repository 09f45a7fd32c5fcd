import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hashedText } from '../../../src/engine/compose/config-hash.ts'
import { recordContainer } from '../../../src/engine/spec/record-container.ts'
import { composeOf } from '../../lab/compose.ts'
import { startSpecHost, type SpecHost } from '../../engine/engine/spec-lab.ts'

/** What stands beside a reference to another service, as people write it. */
const services: Readonly<Record<string, string>> = {
  bare: '{ image: app:1, network_mode: "service:web" }',
  command: '{ image: app:1, network_mode: "service:web", command: "sh -c \'sleep 5 && echo <done>\'" }',
  image_things: '{ image: full:1, network_mode: "service:web" }',
  entrypoint: '{ image: full:1, network_mode: "service:web", entrypoint: ["/bin/sleep"], command: ["5"] }',
  same_command: '{ image: full:1, network_mode: "service:web", command: ["sleep", "1000"] }',
  environment: '{ image: full:1, network_mode: "service:web", environment: { B: "two words", A: "$$x", FROM: user } }',
  environment_list: '{ image: app:1, network_mode: "service:web", environment: ["Z=1", "A="] }',
  restart: '{ image: app:1, network_mode: "service:web", restart: unless-stopped, depends_on: [web] }',
  restart_no: '{ image: app:1, network_mode: "service:web", restart: "no", depends_on: { web: { condition: service_started } } }',
  named: '{ image: app:1, network_mode: "service:web", container_name: vpn-client, labels: { z: "1", a.b: "" } }',
  volumes: '{ image: app:1, network_mode: "service:web", volumes: ["data:/data", "./conf:/conf:ro", "/anonymous", "more:/more:ro"] }',
  long_volumes: '{ image: app:1, pid: "service:web", volumes: [{ type: volume, source: data, target: /d }, { type: bind, source: ./conf, target: /c, read_only: true }, { type: tmpfs, target: /t, tmpfs: { size: 1m } }] }',
  secure: '{ image: app:1, network_mode: "service:web", cap_add: [NET_ADMIN], cap_drop: [ALL], read_only: true, tmpfs: [/run, "/tmp:size=1m"], security_opt: ["no-new-privileges:true"], user: "1000:1000", privileged: false }',
  devices: '{ image: app:1, network_mode: "service:web", devices: ["/dev/null:/dev/net/tun"], sysctls: { net.core.somaxconn: 512 }, ulimits: { nproc: 100, nofile: { soft: 10, hard: 20 } } }',
  health: '{ image: app:1, network_mode: "service:web", healthcheck: { test: "true", interval: 90s, timeout: 500ms, retries: 3, start_period: 1h }, stop_grace_period: 90s, stop_signal: SIGINT }',
  no_health: '{ image: app:1, network_mode: "service:web", healthcheck: { disable: true } }',
  limits: '{ image: app:1, network_mode: "service:web", mem_limit: 64m, cpus: 0.5, pids_limit: 50, shm_size: 32m, logging: { driver: json-file, options: { max-size: 10m, max-file: "2" } } }',
  deploy: '{ image: app:1, network_mode: "service:web", deploy: { resources: { limits: { memory: 64M, cpus: "0.5" } } } }',
  terminal: '{ image: app:1, network_mode: "service:web", tty: true, stdin_open: true, init: true, working_dir: /tmp }',
  processes: '{ image: app:1, pid: "service:web", ipc: "service:web", networks: { back: { aliases: [other] } }, ports: ["127.0.0.1:18080:80", "18053:53/udp"], expose: ["90"], hostname: host, extra_hosts: ["a.test:192.0.2.1"], dns: 192.0.2.9 }',
  default_network: '{ image: app:1, pid: "service:web" }',
  volumes_from: '{ image: app:1, volumes_from: ["web:ro"], networks: [back, default] }',
  one_shot: '{ image: app:1, network_mode: "service:web", command: ["true"], depends_on: { web: { condition: service_healthy, restart: true } }, scale: 1 }',
}

describe.each([['2.26', '20.10'], ['2.26', '28.5'], ['2.40', '26.1'], ['2.40', '28.5']] as const)('what compose %s hashes is known from the containers that it makes on %s', (version, engine) => {
  let host: SpecHost
  let failed: string

  beforeAll(async () => {
    host = await startSpecHost(engine)
    const folder = join(host.host.sharedDir, 'project')
    await mkdir(join(folder, 'conf'), { recursive: true })
    const web = '  web: { image: app:1, ipc: shareable, volumes: ["data:/data"], healthcheck: { test: "true" }, networks: [back, default] }\n'
    await writeFile(join(folder, 'compose.yaml'), `name: guess\nservices:\n${web}${Object.entries(services).map(([name, text]) => `  ${name}: ${text}\n`).join('')}volumes: { data: {}, more: { name: "more of it" } }\nnetworks: { back: {} }\n`.replace('"more of it"', 'more-of-it'))
    const { exitCode, stderr } = await composeOf(version)(host.host, folder, 'up', '--no-start')
    failed = exitCode === 0 ? '' : stderr
  }, 180_000)
  afterAll(async () => {
    await host[Symbol.asyncDispose]()
  }, 60_000)

  test.each(Object.keys(services))('%s', async service => {
    expect(failed).toBe('')
    const record = await recordContainer(host.engine, service === 'named' ? 'vpn-client' : `guess-${service}-1`)
    const text = hashedText(record)
    if (text === undefined) console.log(JSON.stringify({ Config: record.inspect.Config, HostConfig: Object.fromEntries(Object.entries(record.inspect.HostConfig).filter(([, value]) => value !== null && value !== 0 && value !== '' && value !== false)) }))
    expect(text).toContain(record.peers[0]?.id)
  })
})
