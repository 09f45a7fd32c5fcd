import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rootCertificates, type SecureContextOptions } from 'node:tls'
import { DrayError } from '../errors/dray-error.ts'
import { errnoOf, fromSystemError } from '../errors/system-error.ts'

/** Where systems keep what they trust: Debian, Fedora, openSUSE, Alpine and macOS. node has a list of its own, which an owner cannot change. */
const systemFiles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/ca-bundle.pem', '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem', '/etc/ssl/cert.pem']

const dockerFolder = '/etc/docker/certs.d'

/**
 * What is trusted of a registry at `host` (with its port), and shown to it: the system's authorities, and docker's own folder
 * for the host, where `*.crt` are authorities and `NAME.cert` with `NAME.key` a client's certificate.
 */
export async function certificatesFor(host: string, env: NodeJS.ProcessEnv): Promise<SecureContextOptions> {
  const folder = join(dockerFolder, host)
  const names = await readdir(folder).catch((thrown: unknown): string[] => {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(thrown) ?? '')) return []
    throw fromSystemError(thrown, 'cannot read', folder)
  })
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8').catch((thrown: unknown) => {
    throw fromSystemError(thrown, 'cannot read', join(folder, name))
  })
  const ca = [...(await systemAuthorities(env)), ...(await Promise.all(names.filter(name => name.endsWith('.crt')).map(read)))]
  const [cert] = names.filter(name => name.endsWith('.cert'))
  if (cert === undefined) return { ca }
  const key = cert.replace(/\.cert$/, '.key')
  if (!names.includes(key)) throw new DrayError('not-found', `"${join(folder, cert)}" is there without its key "${key}"`)
  return { ca, cert: await read(cert), key: await read(key) }
}

async function systemAuthorities({ SSL_CERT_FILE: named }: NodeJS.ProcessEnv): Promise<readonly string[]> {
  for (const file of named !== undefined && named !== '' ? [named] : systemFiles) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (text.includes('-----BEGIN CERTIFICATE-----')) return [text]
  }
  return rootCertificates
}
