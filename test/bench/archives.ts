/**
 * `npm run bench:archives`: how fast `dray verify` is beside the least that has to be done, on the same archives in the same
 * run: `sha256sum`, `gzip -dc | sha256sum`, and skopeo's copy. Exit code 1 when a requirement is missed.
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { json, configOf, hexOf } from '../images/example-image.ts'
import { rawEntry } from '../images/raw-tar.ts'
import { runTimed } from './timed-process.ts'

const dray = fileURLToPath(new URL('../../../bin/dray.js', import.meta.url))
const layerMb = 112
const layerCount = 4
const rounds = 3

const folder = await mkdtemp(join(tmpdir(), 'drayage-bench-archives-'))
try {
  const layers = makeLayers()
  const [plain, packed] = [await archiveOf('plain', layers), await archiveOf('gzip', layers.map(layer => layer.replace('.tar', '.tar.gz')))]
  const gzips = layers.map(layer => layer.replace('.tar', '.tar.gz')).join(' ')
  const all: Record<string, () => Promise<number>> = {
    'sha256sum FILE': () => seconds('sha256sum', plain),
    'dray verify FILE': () => seconds(process.execPath, dray, 'verify', '-q', plain),
    'dray verify - < FILE': () => seconds('sh', '-c', `"${process.execPath}" "${dray}" verify -q - < "${plain}"`),
    'skopeo copy docker-archive:FILE dir:': () => copied(plain),
    'gzip -dc LAYERS | sha256sum': () => seconds('sh', '-c', `cat ${gzips} | gzip -dc | sha256sum`),
    'dray verify FILE.GZIP-LAYERS': () => seconds(process.execPath, dray, 'verify', '-q', packed),
    'dray verify - < FILE.GZIP-LAYERS': () => seconds('sh', '-c', `"${process.execPath}" "${dray}" verify -q - < "${packed}"`),
    'skopeo copy docker-archive:FILE.GZIP-LAYERS dir:': () => copied(packed),
  }
  const best: Record<string, number> = {}
  for (let round = 0; round < rounds; round++) for (const [name, measure] of Object.entries(all)) best[name] = Math.min(best[name] ?? Infinity, await measure())
  for (const [name, value] of Object.entries(best)) console.log(`${value.toFixed(2).padStart(6)} s  ${name}`)
  const ratio = (one: string, other: string): number => best[one]! / best[other]!
  const verdicts: [string, number, number][] = [
    ['plain layers, beside sha256sum', ratio('dray verify FILE', 'sha256sum FILE'), 1.3],
    ['gzip layers, beside gzip | sha256sum', ratio('dray verify FILE.GZIP-LAYERS', 'gzip -dc LAYERS | sha256sum'), 1.2],
    ['plain layers, beside skopeo copy', ratio('dray verify FILE', 'skopeo copy docker-archive:FILE dir:'), 1],
    ['gzip layers, beside skopeo copy', ratio('dray verify FILE.GZIP-LAYERS', 'skopeo copy docker-archive:FILE.GZIP-LAYERS dir:'), 1],
  ]
  for (const [name, found, most] of verdicts) console.log(`${found <= most ? 'met   ' : 'MISSED'}  ${name}: ${found.toFixed(2)} (at most ${most})`)
  process.exitCode = verdicts.every(([, found, most]) => found <= most) ? 0 : 1
} finally {
  await rm(folder, { recursive: true })
}

async function seconds(program: string, ...args: readonly string[]): Promise<number> {
  return (await runTimed(program, args)).seconds
}

async function copied(archive: string): Promise<number> {
  const target = join(folder, 'copy')
  try {
    return await seconds('skopeo', 'copy', '--quiet', `docker-archive:${archive}`, `dir:${target}`)
  } finally {
    await rm(target, { recursive: true, force: true })
  }
}

/** Tars of what this machine has installed, and the same in gzip. */
function makeLayers(): string[] {
  const script = `set -e; cd "$1"; find /usr -xdev -type f -size -20M -printf '%s %p\\n' | awk -v most=$2 -v n=$3 '{ bytes += $1; if (bytes > most * 1e6) { bytes = $1; at++ } if (at >= n) exit; print substr($0, index($0, " ") + 2) > at + 0 ".list" }'
    for list in *.list; do tar -C / --no-recursion -cf "\${list%.list}.tar" --mtime=@0 -T "$PWD/$list"; gzip -k "\${list%.list}.tar"; done`
  execFileSync('bash', ['-c', script, 'bash', folder, String(layerMb), String(layerCount)], { stdio: ['ignore', 'ignore', 'inherit'] })
  return Array.from({ length: layerCount }, (_, at) => join(folder, `${at}.tar`))
}

/** The archive of an image with these files as layers, made on disk piece by piece. */
async function archiveOf(name: string, files: readonly string[]): Promise<string> {
  const path = join(folder, `${name}.image`)
  const config = json(configOf(await Promise.all(files.map(file => readFile(file.replace('.gz', ''))))))
  const layers = await Promise.all(files.map(file => readFile(file)))
  const manifest = json([{ Config: `${hexOf(config)}.json`, RepoTags: ['bench:1'], Layers: layers.map((_, at) => `${at}/layer.tar`) }])
  const members = [...layers.map((data, at) => ({ name: `${at}/layer.tar`, data })), { name: `${hexOf(config)}.json`, data: config }, { name: 'manifest.json', data: manifest }]
  await writeFile(path, [...members.map(rawEntry), Buffer.alloc(1024)])
  return path
}
