import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type HttpServer, sendText, startHttpServer } from '../../src/http/index.ts'
import { sleep } from '../faults/eventually.ts'
import { exchange, open, readAnswer, requestId } from './raw.ts'

/** The server alone, with limits that a test can wait for. */
const limits = {
  headerBytesMax: 4_096,
  headersCountMax: 20,
  headersTimeoutMs: 300,
  keepAliveMs: 400,
  connectionsMax: 5,
  requestTimeoutMs: 900,
}

const perAddressMax = 4
const shed: string[] = []

let server: HttpServer
let url: string
beforeAll(async () => {
  server = await startHttpServer({
    port: 0,
    host: '127.0.0.1',
    limits,
    connectionsPerAddressMax: () => perAddressMax,
    isTrustedProxy: address => address === '127.0.0.1',
    onShed: limit => shed.push(limit),
    isRelayPath: path => path.startsWith('/v1/'),
    relay: (request, response) => {
      request.resume().on('end', () => sendText(response, 200, 'read\n'))
    },
    pages: { '/livez': response => sendText(response, 200, 'ok\n') },
  })
  url = `http://127.0.0.1:${server.port}`
})
afterAll(() => server.close())

test.concurrent('a client that does not end its headers is told so, and cut off', async () => {
  const text = await exchange(url, 'GET /livez HTTP/1.1\r\nhost: a\r\nx-slow: ', {
    enough: () => false,
    withinMs: 4_000,
  })
  expect(text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\nconnection: close\r\n/)
  expect(text).toMatch(/\r\nx-request-id: [0-9A-Z]{26}\r\n/)
})

test.concurrent('a connection that another process accepted has the same limits', async () => {
  const take = Promise.withResolvers<(socket: Socket) => void>()
  const handed = await startHttpServer({
    port: 0,
    host: '127.0.0.1',
    limits,
    isRelayPath: () => false,
    relay: () => undefined,
    pages: { '/livez': response => sendText(response, 200, 'ok\n') },
    takeConnections: take.resolve,
    connectionsPerAddressMax: () => 100,
    isTrustedProxy: () => false,
    onShed: () => undefined,
  })
  const taker = await take.promise
  const listener = createServer(taker).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  const at = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  expect(await exchange(at, 'GET /livez HTTP/1.1\r\nhost: a\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
  const text = await exchange(at, 'GET /livez HTTP/1.1\r\nhost: a\r\nx-slow: ', {
    enough: () => false,
    withinMs: 4_000,
  })
  expect(text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\nconnection: close\r\n/)
  listener.close()
  await handed.close()
})

test.concurrent('a client that sends its body byte by byte has its time too', async () => {
  const socket = open(url)
  let text = ''
  let isClosed = false
  socket.on('data', chunk => {
    text += String(chunk)
  })
  socket.on('close', () => {
    isClosed = true
  })
  socket.write('POST /v1/x HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n')
  for (let count = 0; count < 40 && !isClosed; count++) {
    socket.write('x')
    await sleep(100)
  }
  expect(isClosed).toBe(true)
  expect(text).toMatch(/^HTTP\/1\.1 408 /)
})

test('more connections than may be are closed, and room is made again', async () => {
  await sleep(4_500) // those of the other tests are gone
  const held = Array.from({ length: limits.connectionsMax }, () => open(url))
  await sleep(50)
  expect(await exchange(url, 'GET /livez HTTP/1.1\r\nhost: a\r\n\r\n')).toBe('')
  expect(shed.at(-1)).toBe('connectionsMax')
  held[0]?.destroy()
  await sleep(50)
  expect(await exchange(url, 'GET /livez HTTP/1.1\r\nhost: a\r\n\r\n')).toMatch(/ok\n$/)
  for (const socket of held) socket.destroy()
})

test('an address has so many connections, and a proxy that is trusted as many as it needs', async () => {
  await sleep(50)
  const from = { localAddress: '127.0.0.7' }
  const held = Array.from({ length: perAddressMax }, () => open(url, from))
  await sleep(50)
  const refused = readAnswer(await exchange(url, 'GET /livez HTTP/1.1\r\nhost: a\r\n\r\n', from))
  expect(refused.status).toBe(429)
  expect(refused.headers).toMatchObject({ 'retry-after': '5', connection: 'close' })
  expect(refused.headers['x-request-id']).toMatch(requestId)
  expect(JSON.parse(refused.body).error.message).toMatch(/as many open connections as it may/)
  expect(shed.at(-1)).toBe('connectionsPerAddressMax')
  expect(await exchange(url, 'GET /livez HTTP/1.1\r\nhost: a\r\n\r\n')).toMatch(/ok\n$/)
  held[0]?.destroy()
  await sleep(50)
  expect(await exchange(url, 'GET /livez HTTP/1.1\r\nhost: a\r\n\r\n', from)).toMatch(/ok\n$/)
  for (const socket of held) socket.destroy()
})

test('a connection that asks nothing more is closed after its time', async () => {
  await sleep(50)
  const socket = open(url)
  const closed = new Promise<number>(resolve => socket.once('close', () => resolve(performance.now())))
  socket.resume()
  const startedAt = performance.now()
  socket.write('GET /livez HTTP/1.1\r\nhost: a\r\n\r\n')
  expect((await closed) - startedAt).toBeGreaterThanOrEqual(limits.keepAliveMs)
})

test('as many bytes of headers as may be pass, more do not', async () => {
  await sleep(50)
  const request = (bytes: number) => `GET /livez HTTP/1.1\r\nhost: a\r\nx-long: ${'y'.repeat(bytes)}\r\n\r\n`
  expect(await exchange(url, request(limits.headerBytesMax - 200))).toMatch(/^HTTP\/1\.1 200 /)
  expect(await exchange(url, request(limits.headerBytesMax + 200))).toMatch(/^HTTP\/1\.1 431 /)
})

test('as many headers as may be pass, one more does not', async () => {
  await sleep(50)
  const request = (count: number) =>
    `GET /livez HTTP/1.1\r\nhost: a\r\n${Array.from({ length: count - 1 }, (_, index) => `x-${index}: y\r\n`).join('')}\r\n`
  expect(await exchange(url, request(limits.headersCountMax))).toMatch(/^HTTP\/1\.1 200 /)
  expect(await exchange(url, request(limits.headersCountMax + 1))).toMatch(/^HTTP\/1\.1 431 /)
  expect(await exchange(url, request(limits.headersCountMax * 20))).toMatch(/^HTTP\/1\.1 431 /)
})
