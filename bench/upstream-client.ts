import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, type Children, findFreePort } from './children.ts'

const upstreamFile = fileURLToPath(new URL('./upstream.ts', import.meta.url))
const readyTimeoutMs = 10_000

export interface Upstream {
  readonly origin: string
  readonly tlsOrigin: string
  /** The certificate that vouches for `tlsOrigin`, for NODE_EXTRA_CA_CERTS. */
  readonly certFile: string
  stats(): Promise<UpstreamStats>
  stop(): Promise<void>
}

interface UpstreamStats {
  readonly answered: number
  readonly failed: number
  readonly streams: number
}

/** Starts the bench's upstream with a certificate made for this run. */
export async function startUpstream(children: Children, folder: string): Promise<Upstream> {
  const { keyFile, certFile } = makeCertificate(folder)
  const [port, tlsPort] = [await findFreePort(), await findFreePort()]
  const child: Child = children.start({
    command: process.execPath,
    args: [upstreamFile, `${port}`, `${tlsPort}`, keyFile, certFile],
    env: {},
    logFile: join(folder, 'upstream.log'),
  })
  await child.ready(port, '/', readyTimeoutMs)
  const origin = `http://127.0.0.1:${port}`
  return {
    origin,
    tlsOrigin: `https://localhost:${tlsPort}`,
    certFile,
    stats: async () => {
      const response = await fetch(`${origin}/stats`, { signal: AbortSignal.timeout(5000) })
      return (await response.json()) as UpstreamStats
    },
    stop: child.stop,
  }
}

function makeCertificate(folder: string): { readonly keyFile: string; readonly certFile: string } {
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const name = [
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-days',
    '2',
  ]
  execFileSync('openssl', [...request, ...name, '-keyout', keyFile, '-out', certFile], {
    stdio: 'ignore',
    timeout: 20_000,
  })
  return { keyFile, certFile }
}
