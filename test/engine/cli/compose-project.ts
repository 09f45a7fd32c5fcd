import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Compose } from '../../lab/compose.ts'
import type { LabHost } from '../../lab/host.ts'
import { busyboxImage } from '../../lab/images.ts'
import { docker, inspect } from './dray.ts'

export const services = ['db', 'job', 'sidecar', 'web1', 'web2'] as const

const file = `
name: shop
services:
  db:
    image: shop/db:1
    environment: { SECRET: "a b" }
    volumes: ["data:/var/lib/db"]
    networks: { back: { ipv4_address: 10.97.61.10 } }
    healthcheck: { test: ["CMD", "test", "-f", "/var/lib/db/ready"], interval: 2s, retries: 20 }
    stop_grace_period: 1s
  job:
    image: shop/db:1
    command: ["sh", "-c", "echo done > /pages/job"]
    volumes: ["pages:/pages"]
    depends_on: { db: { condition: service_healthy } }
    networks: [back]
  web1: &web
    image: shop/web:1
    volumes: ["pages:/www"]
    depends_on: { job: { condition: service_completed_successfully }, db: { condition: service_healthy } }
    networks: { back: { aliases: [pages] }, front: {} }
    stop_grace_period: 1s
  web2: *web
  sidecar:
    image: shop/db:1
    command: ["sh", "-c", "touch /seen; exec sleep 100000"]
    network_mode: "service:web1"
    pid: "service:web1"
    stop_grace_period: 1s
networks:
  back: { ipam: { config: [{ subnet: 10.97.61.0/24 }] } }
  front: { internal: true }
volumes:
  data: { labels: { kept: "yes" } }
  pages: {}
`

/** Makes the project of five services, in a folder of its own, and waits until all is as it should be. */
export async function makeProject(host: LabHost, folder: string, compose: Compose): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'compose.yaml'), file)
  await busyboxImage(host, 'shop/db:1', { cmd: ['sh', '-c', 'touch /var/lib/db/ready; exec sleep 100000'] })
  await busyboxImage(host, 'shop/web:1', { cmd: ['httpd', '-f', '-p', '80', '-h', '/www'] })
  const { exitCode, stderr } = await compose(host, folder, 'up', '-d')
  if (exitCode !== 0) throw new Error(`docker compose up: ${stderr}`)
  await docker(host, 'exec', 'shop-web1-1', 'sh', '-c', 'echo "the page" > /www/index.html; echo changed > /etc/changed')
}

/** Id and state of each container. */
export async function projectOf(host: LabHost): Promise<Record<string, { readonly id: string; readonly status: string }>> {
  const found = await Promise.all(services.map(async service => {
    const { Id, State } = await inspect(host, `shop-${service}-1`)
    return [service, { id: Id, status: State.Status }] as const
  }))
  return Object.fromEntries(found)
}

export function statusesOf(project: Record<string, { readonly status: string }>): Record<string, string> {
  return Object.fromEntries(Object.entries(project).map(([service, { status }]) => [service, status]))
}
