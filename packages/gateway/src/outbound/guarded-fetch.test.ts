import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createGuardedFetch, type FetchRequest, type GuardedFetchParts } from './guarded-fetch.ts'
import type { FetchOptions } from './policy.ts'

const limits = { fetchBytesMax: 100_000, fetchTimeoutMs: 400, fetchRedirectsMax: 3, fetchesMax: 4 }
const open: FetchOptions = {
  'fetch.enableSsrfProtection': true,
  'fetch.allowPrivateIp': true,
  'fetch.domainFilterMode': 'deny',
  'fetch.domainList': [],
  'fetch.ipFilterMode': 'deny',
  'fetch.ipList': [],
  'fetch.allowedPorts': [],
  'fetch.applyIpFilterForDomain': true,
}

const bomb = brotliCompressSync(Buffer.alloc(5_000_000))
const pages: Readonly<Record<string, (response: ServerResponse, request: IncomingMessage) => void>> = {
  '/image': response => response.writeHead(200, { 'content-type': 'image/png' }).end('pixels'),
  '/missing': response => response.writeHead(404, { 'content-type': 'text/plain' }).end('no'),
  '/zipped': response => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('pixels')),
  '/bomb': response => response.writeHead(200, { 'content-encoding': 'br' }).end(bomb),
  '/odd': response => response.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end('x'),
  '/broken': response => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
  '/announced': response => response.writeHead(200, { 'content-length': '100001' }).flushHeaders(),
  '/endless': response => {
    const more = () => {
      while (response.write(Buffer.alloc(10_000)));
    }
    response.on('drain', more)
    more()
  },
  '/silent': () => undefined,
  '/cut': response =>
    response.writeHead(200, { 'content-length': '10' }).write('x', () => response.destroy()),
  '/loop': response => response.writeHead(302, { location: '/loop' }).end(),
  '/to-image': response => response.writeHead(307, { location: '/image' }).end('moved'),
  '/to-other': response => response.writeHead(302, { location: `http://other.test:${port}/image` }).end(),
  '/to-metadata': response =>
    response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end(),
  '/to-inside': response => response.writeHead(302, { location: `http://inside.test:${port}/image` }).end(),
  '/to-file': response => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  '/to-credentials': response =>
    response.writeHead(302, { location: `http://a:b@other.test:${port}/` }).end(),
}

const seen: { path: string; host: string | undefined; secret: unknown }[] = []
const server = createServer((request, response) => {
  seen.push({ path: request.url ?? '', host: request.headers.host, secret: request.headers['x-secret'] })
  pages[request.url ?? '']?.(response, request)
})
let port = 0
beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  seen.length = 0
})

/** No name here is known to any DNS: whatever connects was pinned. */
const names: Readonly<Record<string, readonly string[]>> = {
  'site.test': ['127.0.0.1'],
  'other.test': ['127.0.0.1'],
  'inside.test': ['127.0.0.1', '224.0.0.1'],
}
const never = new AbortController().signal

function fetch(
  path: string,
  over: Partial<FetchOptions> = {},
  more: Partial<FetchRequest & GuardedFetchParts> = {},
) {
  const guarded = createGuardedFetch({
    options: () => ({ ...open, ...over }),
    limits,
    resolve: async host => names[host] ?? [],
    ...more,
  })
  return guarded({ url: path.includes('://') ? path : `http://site.test:${port}${path}`, ...more }, never)
}

test('gives what the address holds, with its type', async () => {
  expect(await fetch('/image')).toEqual({
    kind: 'fetched',
    status: 200,
    contentType: 'image/png',
    bytes: Buffer.from('pixels'),
    url: `http://site.test:${port}/image`,
  })
  expect(seen).toEqual([{ path: '/image', host: `site.test:${port}`, secret: undefined }])
  expect(await fetch('/missing')).toMatchObject({ kind: 'fetched', status: 404 })
  expect(await fetch('/zipped')).toMatchObject({ kind: 'fetched', bytes: Buffer.from('pixels') })
})

test('refuses loopback unless private addresses are allowed, without connecting', async () => {
  const refused = { kind: 'refused', reason: 'address' }
  expect(await fetch('/image', { 'fetch.allowPrivateIp': false })).toMatchObject(refused)
  expect(await fetch(`http://127.0.0.1:${port}/image`, { 'fetch.allowPrivateIp': false })).toMatchObject(
    refused,
  )
  expect(await fetch(`http://2130706433:${port}/image`, { 'fetch.allowPrivateIp': false })).toMatchObject(
    refused,
  )
  expect(
    await fetch(`http://[::ffff:127.0.0.1]:${port}/image`, { 'fetch.allowPrivateIp': false }),
  ).toMatchObject(refused)
  expect(seen).toEqual([])
})

test('one address among several that is not allowed refuses all', async () => {
  expect(await fetch(`http://inside.test:${port}/image`)).toMatchObject({
    kind: 'refused',
    reason: 'address',
  })
  expect(seen).toEqual([])
})

test('a name is resolved once: what the DNS says later has no effect', async () => {
  let asked = 0
  const resolve = async () => (++asked === 1 ? ['127.0.0.1'] : ['169.254.169.254'])
  expect(
    await fetch('http://rebinding.test/image'.replace('.test', `.test:${port}`), {}, { resolve }),
  ).toMatchObject({
    kind: 'fetched',
  })
  expect(asked).toBe(1)
})

test.each([
  ['/to-metadata', 'address'],
  ['/to-inside', 'address'],
  ['/to-file', 'scheme'],
  ['/to-credentials', 'credentials'],
  ['/loop', 'redirects'],
])('a redirect is judged as the first address was: %s', async (path, reason) => {
  expect(await fetch(path)).toMatchObject({ kind: 'refused', reason })
})

test('redirects are followed a few times; headers stay with their origin', async () => {
  const headers = { 'x-secret': 's' }
  expect(await fetch('/to-image', {}, { headers })).toMatchObject({ kind: 'fetched', status: 200 })
  expect(seen.map(({ secret }) => secret)).toEqual(['s', 's'])
  seen.length = 0
  expect(await fetch('/to-other', {}, { headers })).toMatchObject({ url: `http://other.test:${port}/image` })
  expect(seen.map(({ secret }) => secret)).toEqual(['s', undefined])
  seen.length = 0
  expect(await fetch('/loop')).toMatchObject({ kind: 'refused' })
  expect(seen).toHaveLength(limits.fetchRedirectsMax + 1)
})

test('a request with a body does not follow redirects', async () => {
  const post = { method: 'POST', body: Buffer.from('{}') } as const
  expect(await fetch('/image', {}, post)).toMatchObject({ kind: 'fetched' })
  expect(await fetch('/to-image', {}, post)).toMatchObject({ kind: 'refused', reason: 'redirects' })
})

test.each(['/announced', '/endless', '/bomb'])('%s is larger than may be, and is refused', async path => {
  expect(await fetch(path)).toMatchObject({ kind: 'refused', reason: 'size' })
})

test('a caller may allow less, never more', async () => {
  expect(await fetch('/image', {}, { bytesMax: 3 })).toMatchObject({ kind: 'refused', reason: 'size' })
  expect(await fetch('/announced', {}, { bytesMax: 1_000_000 })).toMatchObject({
    kind: 'refused',
    reason: 'size',
  })
})

test.each([
  ['/odd', { kind: 'refused', reason: 'encoding' }],
  ['/broken', { kind: 'failed', message: 'the answer does not decompress' }],
  ['/silent', { kind: 'failed', message: 'the address did not answer in time' }],
  ['/cut', { kind: 'failed', message: 'the address could not be fetched' }],
  ['http://nowhere.test/', { kind: 'failed', message: 'the address has no host that can be found' }],
  [
    'http://127.0.0.1:1/',
    { kind: 'failed', message: 'the address could not be fetched', detail: 'ECONNREFUSED' },
  ],
])('%s is told without what the client has not said', async (path, gives) => {
  expect(await fetch(path)).toMatchObject(gives)
})

test('a resolver that hangs does not hold the fetch', async () => {
  const resolve = () => new Promise<never>(() => undefined)
  expect(await fetch('/image', {}, { resolve })).toMatchObject({
    message: 'the address did not answer in time',
  })
})

test('so many at once, one more is refused', async () => {
  const guarded = createGuardedFetch({ options: () => open, limits, resolve: async () => ['127.0.0.1'] })
  const url = `http://site.test:${port}/silent`
  const held = Array.from({ length: limits.fetchesMax }, () => guarded({ url }, never))
  expect(await guarded({ url }, never)).toMatchObject({ kind: 'refused', reason: 'busy' })
  await Promise.all(held)
  expect(await guarded({ url: url.replace('silent', 'image') }, never)).toMatchObject({ kind: 'fetched' })
})

test("the caller's signal ends it", async () => {
  const leaving = new AbortController()
  const guarded = createGuardedFetch({ options: () => open, limits, resolve: async () => ['127.0.0.1'] })
  const fetching = guarded({ url: `http://site.test:${port}/silent` }, leaving.signal)
  leaving.abort(new Error('gone'))
  await expect(fetching).rejects.toThrow('gone')
})
