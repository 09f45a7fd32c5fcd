import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from './command.ts'

/** Paths of PEM files. `clientDir` holds ca.pem, cert.pem and key.pem, as DOCKER_CERT_PATH wants them. */
export type TlsFiles = {
  readonly endpoint: string
  readonly ca: string
  readonly serverCert: string
  readonly serverKey: string
  readonly clientDir: string
}

/** Makes a certificate authority, a server's certificate for `address` and a client's. */
export async function makeCertificates(dir: string, address: string): Promise<TlsFiles> {
  const clientDir = join(dir, 'client')
  await mkdir(clientDir, { recursive: true })
  const ca = join(clientDir, 'ca.pem')
  const caKey = join(dir, 'ca-key.pem')
  await must('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', '/CN=lab', '-keyout', caKey, '-out', ca])
  const sign = async (key: string, cert: string, extensions: string) => {
    const request = `${cert}.csr`
    const extensionFile = `${cert}.ext`
    await writeFile(extensionFile, extensions)
    await must('openssl', ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=lab', '-keyout', key, '-out', request])
    await must('openssl', ['x509', '-req', '-in', request, '-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', '30', '-extfile', extensionFile, '-out', cert])
  }
  const serverKey = join(dir, 'server-key.pem')
  const serverCert = join(dir, 'server.pem')
  await sign(serverKey, serverCert, `subjectAltName=IP:${address}\nextendedKeyUsage=serverAuth\n`)
  await sign(join(clientDir, 'key.pem'), join(clientDir, 'cert.pem'), 'extendedKeyUsage=clientAuth\n')
  return { endpoint: `tcp://${address}:2376`, ca, serverCert, serverKey, clientDir }
}
