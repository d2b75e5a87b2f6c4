import { lookup } from 'node:dns'
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import tls from 'node:tls'
import type { Dispatcher } from 'undici'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { makeCertificate } from '../../../../simulator/src/testing/certificate.ts'
import { type Connections, createConnections, type Destination } from './connections.ts'

const limits = {
  upstreamConnectionsPerShard: 2,
  upstreamKeepAliveMs: 4_000,
  upstreamOriginsMax: 8,
  connectTimeoutMsMax: 5_000,
}
/** Names of no DNS, and what they lead to. */
const names: Readonly<Record<string, readonly string[]>> = {
  'private.test': ['127.0.0.1'],
  'metadata.test': ['127.0.0.1', '169.254.169.254'],
  'alibaba.test': ['100.100.100.200'],
  'hidden.test': ['::ffff:169.254.169.254'],
}
const resolve: NonNullable<Parameters<typeof createConnections>[0]['resolve']> = (
  host,
  options,
  callback,
) => {
  const known = names[host]
  if (known === undefined) lookup(host, options, callback)
  else
    callback(
      null,
      known.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
}
const refused: string[] = []
const certificate = makeCertificate()
const trusted = tls.getCACertificates('default')

const servers: Server[] = []
const sockets = new Set<Socket>()
let plain = ''
let secure = ''
let connections: Connections

beforeAll(async () => {
  tls.setDefaultCACertificates([...trusted, certificate.cert])
  plain = `http://localhost:${await listen(createHttpServer(answer))}`
  secure = `https://localhost:${await listen(createHttpsServer(certificate, answer))}`
})
afterEach(() => connections.close())
afterAll(() => {
  tls.setDefaultCACertificates(trusted)
  for (const server of servers) server.close()
  for (const socket of sockets) socket.destroy()
})

function listen(server: Server): Promise<number> {
  servers.push(server)
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  return once(server, 'listening').then(() => (server.address() as AddressInfo).port)
}

/** Says what it was asked. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  request.on('data', () => {})
  request.on('end', () => response.end(`${request.method} ${request.url} ${request.headers.authorization}`))
}

/** One request through new connections; answers the body, or throws what the client library says. */
function ask(to: Destination): Promise<string> {
  connections = createConnections({ limits, resolve, onRefusedAddress: ({ host }) => refused.push(host) })
  return new Promise((resolve, reject) => {
    let text = ''
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData(_, chunk) {
        text += chunk
      },
      onResponseEnd: () => resolve(text),
      onResponseError: (_, error) => reject(error),
    }
    const headers = ['authorization', 'Bearer canary', 'content-length', '2']
    connections.dispatch(to, { path: '/v1', method: 'POST', headers, body: Buffer.from('{}') }, handler)
  })
}

interface Proxied {
  readonly address: string
  /** Where it was asked to go, and by whom. */
  readonly seen: { readonly target: string; readonly credentials: string | undefined }[]
}

/** An HTTP proxy that knows CONNECT. */
async function startConnectProxy(status = 200): Promise<Proxied> {
  const seen: Proxied['seen'] = []
  const proxy = createHttpServer()
  proxy.on('connect', (request, client) => {
    const header = request.headers['proxy-authorization']
    const credentials = header && Buffer.from(header.replace('Basic ', ''), 'base64').toString()
    seen.push({ target: request.url ?? '', credentials })
    if (status !== 200) {
      client.end(`HTTP/1.1 ${status} No\r\n\r\n`)
      return
    }
    client.write('HTTP/1.1 200 Connected\r\n\r\n')
    const port = Number(request.url?.split(':')[1])
    join(client as Socket, connect(port, '127.0.0.1'))
  })
  return { address: `127.0.0.1:${await listen(proxy)}`, seen }
}

/** A SOCKS5 proxy (RFC 1928) that asks for a name and a password (RFC 1929) when they are `required`. */
async function startSocksProxy(required?: string): Promise<Proxied> {
  const seen: Proxied['seen'] = []
  const method = required === undefined ? 0 : 2
  const proxy = createServer(client => {
    const next = () => once(client, 'data').then(([chunk]) => chunk as Buffer)
    const serveClient = async () => {
      await next()
      client.write(Buffer.from([5, method]))
      let credentials: string | undefined
      if (required !== undefined) {
        const login = await next()
        const nameEnd = 2 + (login[1] ?? 0)
        credentials = `${login.toString('utf8', 2, nameEnd)}:${login.toString('utf8', nameEnd + 1)}`
        client.write(Buffer.from([1, credentials === required ? 0 : 1]))
        if (credentials !== required) {
          client.end()
          return
        }
      }
      const request = await next()
      const nameEnd = 5 + (request[4] ?? 0)
      const port = request.readUInt16BE(nameEnd)
      seen.push({ target: `${request.toString('utf8', 5, nameEnd)}:${port}`, credentials })
      client.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]))
      join(client, connect(port, '127.0.0.1'))
    }
    serveClient().catch(() => client.destroy())
  })
  return { address: `127.0.0.1:${await listen(proxy)}`, seen }
}

function join(client: Socket, upstream: Socket): void {
  sockets.add(upstream)
  upstream.on('error', () => client.destroy())
  client.pipe(upstream).pipe(client)
}

const told = 'POST /v1 Bearer canary'
const portOf = (origin: string) => origin.split(':')[2]

test('without a proxy the call goes straight to its origin', async () => {
  expect(await ask({ origin: plain, proxy: undefined })).toBe(told)
  expect(await ask({ origin: secure, proxy: undefined })).toBe(told)
})

test.each([
  { says: 'a plain upstream', origin: () => plain },
  { says: 'a TLS upstream', origin: () => secure },
])('an HTTP proxy tunnels to $says and is shown its credentials', async ({ origin }) => {
  const { address, seen } = await startConnectProxy()
  expect(await ask({ origin: origin(), proxy: `http://us%40er:pa%3Ass@${address}` })).toBe(told)
  expect(seen).toEqual([{ target: `localhost:${portOf(origin())}`, credentials: 'us@er:pa:ss' }])
})

test('an HTTP proxy that refuses is an error of the call', async () => {
  const { address } = await startConnectProxy(407)
  await expect(ask({ origin: secure, proxy: `http://${address}` })).rejects.toThrow(/407/)
})

test.each([
  { says: 'a plain upstream, the name resolved there', scheme: 'socks5h', origin: () => plain },
  { says: 'a TLS upstream', scheme: 'socks5', origin: () => secure },
])('a SOCKS5 proxy tunnels to $says', async ({ scheme, origin }) => {
  const { address, seen } = await startSocksProxy()
  expect(await ask({ origin: origin(), proxy: `${scheme}://${address}` })).toBe(told)
  expect(seen).toEqual([{ target: `localhost:${portOf(origin())}`, credentials: undefined }])
})

test('a SOCKS5 proxy is shown its credentials, and refuses others', async () => {
  const { address, seen } = await startSocksProxy('us@er:pa:ss')
  expect(await ask({ origin: secure, proxy: `socks5://us%40er:pa%3Ass@${address}` })).toBe(told)
  expect(seen).toEqual([{ target: `localhost:${portOf(secure)}`, credentials: 'us@er:pa:ss' }])
  await connections.close()
  await expect(ask({ origin: secure, proxy: `socks5://user:wrong@${address}` })).rejects.toThrow(/auth/i)
})

test('a proxy of another scheme is refused', async () => {
  await expect(ask({ origin: plain, proxy: 'ftp://127.0.0.1:1' })).rejects.toThrow(/protocol/)
})

test('a proxy has its own connections: the origin counts once by each way', async () => {
  const { address } = await startConnectProxy()
  await ask({ origin: plain, proxy: `http://${address}` })
  expect(connections.origins).toBe(1)
  const direct = { path: '/', method: 'GET' } as const
  const silent: Dispatcher.DispatchHandler = { onResponseError() {} }
  connections.dispatch({ origin: plain, proxy: undefined }, direct, silent)
  expect(connections.origins).toBe(2)
})

test('a channel may lead to a private address', async () => {
  const { port } = new URL(plain)
  expect(await ask({ origin: `http://private.test:${port}`, proxy: undefined })).toBe(
    'POST /v1 Bearer canary',
  )
})

test.each(['metadata.test', 'alibaba.test', 'hidden.test'])(
  'no connection is made to %s, which resolves to a metadata service',
  async host => {
    refused.length = 0
    const asking = ask({ origin: `http://${host}:${new URL(plain).port}`, proxy: undefined })
    await expect(asking).rejects.toMatchObject({ code: 'YUMEN_METADATA_ADDRESS' })
    expect(refused).toEqual([host])
  },
)

test.each([
  { origin: 'http://169.254.169.254', proxy: undefined },
  { origin: 'http://2852039166', proxy: undefined },
  { origin: 'http://[fd00:ec2::254]', proxy: undefined },
  { origin: 'http://metadata.google.internal', proxy: undefined },
  { origin: 'http://169.254.169.254', proxy: 'http://127.0.0.1:1' },
  { origin: 'http://api.example.com', proxy: 'http://169.254.169.254:80' },
])('a metadata service as $origin by $proxy is refused before anything is sent', async to => {
  refused.length = 0
  await expect(ask(to)).rejects.toMatchObject({ code: 'YUMEN_METADATA_ADDRESS' })
  expect(refused).toHaveLength(1)
})
