import { once } from 'node:events'
import { request as secureRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Simulator, startSimulator } from './simulator.ts'
import { makeCertificate } from './testing/certificate.ts'
import { calls, eventsIn, talk } from './testing/client.ts'

let simulator: Simulator
beforeEach(async () => {
  simulator = await startSimulator({ port: 0 })
})
afterEach(() => simulator.close())

const chat = calls['openai-chat']

async function openStream(model: string): Promise<Socket> {
  const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Hi' }] })
  const head =
    'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\napi-key: any\r\ncontent-type: application/json'
  const socket = connect(simulator.port, '127.0.0.1')
  socket.write(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  await once(socket, 'readable')
  return socket
}

test('requests are kept as they arrived', async () => {
  await talk(simulator.url, { ...chat('sim'), path: '/v1/chat/completions?x=1' })
  const [seen] = simulator.requests
  expect(seen).toMatchObject({
    method: 'POST',
    path: '/v1/chat/completions?x=1',
    completed: true,
    aborted: false,
  })
  expect(seen?.headers.authorization).toBe('Bearer any')
  expect(seen?.rawHeaders.slice(0, 2)).toEqual(['host', 'simulator'])
  expect(JSON.parse(seen?.body ?? '')).toHaveProperty('model', 'sim')
  expect(seen?.bodyBytes).toBe(Buffer.byteLength(seen?.body ?? ''))
})

test('the requests are served and forgotten over HTTP, the faults listed', async () => {
  await talk(simulator.url, chat('sim'))
  const listed = await talk(simulator.url, { path: '/_requests' })
  expect(JSON.parse(listed.body)).toHaveLength(1)
  await talk(simulator.url, { path: '/_requests', method: 'DELETE' })
  expect(simulator.requests).toHaveLength(0)
  expect(JSON.parse((await talk(simulator.url, { path: '/_faults' })).body)).toHaveProperty('trickle.about')
  expect((await talk(simulator.url, { path: '/_health' })).status).toBe(200)
})

test('at most the last 1,000 requests are kept', async () => {
  for (let count = 0; count < 1005; count++) {
    const answer = await fetch(`${simulator.url}/nothing/${count}`)
    await answer.arrayBuffer()
  }
  expect(simulator.requests).toHaveLength(1000)
  expect(simulator.requests[0]?.path).toBe('/nothing/5')
})

test('clearing resets the counts of faults', async () => {
  expect((await talk(simulator.url, chat('sim-fault-first-1'))).status).toBe(500)
  expect((await talk(simulator.url, chat('sim-fault-first-1'))).status).toBe(200)
  simulator.clear()
  expect((await talk(simulator.url, chat('sim-fault-first-1'))).status).toBe(500)
})

test('a client that hangs up is seen, whatever the answer was doing', async () => {
  for (const model of ['sim-tokens1000-gap50', 'sim-fault-hang-mid-stream', 'sim-tokens1000000']) {
    simulator.clear()
    const socket = await openStream(model)
    socket.destroy()
    await vi.waitFor(() => expect(simulator.requests[0]).toMatchObject({ aborted: true, completed: false }))
  }
})

test('a client that hangs up while it sends is seen', async () => {
  const socket = connect(simulator.port, '127.0.0.1')
  socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"model"')
  await vi.waitFor(() => expect(simulator.requests).toHaveLength(1))
  socket.destroy()
  await vi.waitFor(() => expect(simulator.requests[0]).toMatchObject({ aborted: true, body: '' }))
})

test('our own cut is neither an abort of the client nor complete', async () => {
  await talk(simulator.url, chat('sim-fault-cut-after-2', { stream: true }))
  expect(simulator.requests[0]).toMatchObject({ aborted: false, completed: false })
})

test.each(['sim-tokens60000', 'sim-tokens60000-fault-http-1-0'])(
  '%s stops while a client does not read, and gives it all when it does',
  async model => {
    const socket = await openStream(model)
    await new Promise(setImmediate)
    expect(simulator.requests[0]).toMatchObject({ completed: false })
    let bytes = 0
    socket.on('data', chunk => {
      bytes += chunk.length
    })
    await vi.waitFor(() => expect(simulator.requests[0]).toMatchObject({ completed: true }), {
      timeout: 5000,
    })
    socket.destroy()
    expect(bytes).toBeGreaterThan(10_000_000)
  },
)

test('closing ends what hangs', async () => {
  const hanging = talk(simulator.url, chat('sim-fault-hang-before-headers'), { quietMs: 5000 })
  await vi.waitFor(() => expect(simulator.requests).toHaveLength(1))
  await simulator.close()
  expect((await hanging).ended).not.toBe('open')
})

test('the body comes in pieces as small as wished, with the line ends wished', async () => {
  const answer = await talk(simulator.url, chat('sim-unicode-bytes1-crlf', { stream: true }))
  expect(answer.body).toMatch(/^data: \{.*\}\r\n\r\ndata: /)
  const plain = await talk(simulator.url, chat('sim-unicode', { stream: true }))
  expect(eventsIn(answer.body)).toHaveLength(eventsIn(plain.body).length)
  const pieces: number[] = []
  const body = JSON.stringify(chat('sim-bytes3').body)
  const response = await fetch(`${simulator.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer any', 'content-type': 'application/json' },
    body,
  })
  for await (const piece of response.body ?? []) pieces.push(piece.length)
  expect(Math.max(...pieces)).toBeLessThanOrEqual(3)
})

test('headers say the same as words in the name', async () => {
  const call = chat('sim', { stream: true })
  const knobs = {
    'x-sim-tokens': '3',
    'x-sim-delay-ms': '30',
    'x-sim-chunk-delay-ms': '10',
    'x-sim-newline': 'cr',
  }
  const outcome = await talk(simulator.url, { ...call, headers: { ...call.headers, ...knobs } })
  expect(outcome.ms).toBeGreaterThanOrEqual(75)
  expect(eventsIn(outcome.body)).toHaveLength(6)
  expect(outcome.body).toMatch(/\r\r$/)
})

test('with a certificate it speaks HTTPS, faults included', async () => {
  const secure = await startSimulator({ port: 0, tls: makeCertificate() })
  const send = (model: string) => {
    const { path, headers, body } = chat(model)
    const options = {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      rejectUnauthorized: false,
    }
    const request = secureRequest(`${secure.url}${path}`, options)
    request.end(JSON.stringify(body))
    return request
  }
  const [response] = await once(send('sim'), 'response')
  expect(response.statusCode).toBe(200)
  const [error] = await once(send('sim-fault-reset-before-headers'), 'error')
  expect(error.code).toBe('ECONNRESET')
  await secure.close()
})

test('a taken port is an error', async () => {
  await expect(startSimulator({ port: simulator.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})
