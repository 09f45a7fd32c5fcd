/** Draws what a real run of the restore wizard shows: `npm run record` writes docs/wizard.svg. */
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from '../lab/command.ts'
import { startHost } from '../lab/host.ts'
import { busyboxImage } from '../lab/images.ts'
import { beginRun, endRun } from '../lab/lab-run.ts'
import { keys, Terminal } from '../lab/terminal.ts'
import { toSvg } from './screen-svg.ts'

const program = new URL('../../../bin/dray.js', import.meta.url).pathname
const picture = new URL('../../../docs/wizard.svg', import.meta.url).pathname
const size = { columns: 88, rows: 26 }

async function record(home: string): Promise<string[]> {
  await using host = await startHost({ engine: '20.10' })
  await symlink(host.socket, join(home, 'docker.sock'))
  const env = { PATH: process.env['PATH'], HOME: home, XDG_STATE_HOME: join(home, 'state'), DRAY_REPO: join(home, 'backups'), DOCKER_HOST: `unix://${home}/docker.sock`, NO_COLOR: '1' }
  const dray = async (...args: string[]): Promise<string> => await must(process.execPath, [program, ...args], { env })
  await busyboxImage(host, 'shop/web:1', { cmd: ['sleep', '100000'] })
  await host.sh(`docker run -d --name web --stop-signal KILL -p 8080:80 -v shop-data:/data shop/web:1 >/dev/null
    docker exec web sh -c 'mkdir -p /data/orders; i=0; while [ $i -lt 200 ]; do echo "order $i" > /data/orders/$i; i=$((i+1)); done'`)
  await dray('backup', 'web')
  await host.sh(`docker exec web sh -c 'echo "order 200" > /data/orders/200; echo corrected > /data/orders/7'`)
  await dray('backup', 'web')
  await dray('verify')
  await host.sh('docker rm -f web >/dev/null; docker volume rm shop-data >/dev/null')
  await using wizard = Terminal.open(`${process.execPath} ${program} restore`, { ...size, env })
  const screens: string[] = []
  await wizard.answer('What is to be brought back?', keys.enter)
  await wizard.shows('since the one before')
  screens.push(wizard.screen)
  wizard.press(keys.enter)
  await wizard.answer('What of it?', keys.enter)
  await wizard.answer('Where to?', keys.enter)
  await wizard.shows('write it into a file')
  screens.push(wizard.screen)
  wizard.press(keys.enter)
  if ((await wizard.ended()) !== 0) throw new Error(`the wizard failed:\n${wizard.text}`)
  screens.push(wizard.screen)
  await host.sh('docker rm -f web >/dev/null; docker volume rm shop-data >/dev/null')
  return screens.map(screen => screen.replaceAll(home, '/home/me'))
}

const run = await beginRun()
const home = await mkdtemp(join(tmpdir(), 'dray-record-'))
try {
  await writeFile(picture, toSvg(['$ dray restore', ...(await record(home))], size.columns))
} finally {
  await rm(home, { recursive: true, force: true })
  await endRun(run)
}
