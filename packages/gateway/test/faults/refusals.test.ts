import { createServer, type Server } from 'node:http'
import { startSimulator } from '@yumen/simulator'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort, startTestGateway, type TestGateway, testKey } from '../gateway.ts'

/** An upstream that knows no `stream_options`, as some OpenAI-compatible servers. */
let strict: Server
let bodies: string[]
let gateway: TestGateway
let simulator: Awaited<ReturnType<typeof startSimulator>>

beforeAll(async () => {
  bodies = []
  const port = await freePort()
  strict = createServer((request, response) => {
    let body = ''
    request.on('data', chunk => {
      body += String(chunk)
    })
    request.on('end', () => {
      bodies.push(body)
      if (body.includes('stream_options')) {
        response.writeHead(400, { 'content-type': 'application/json' })
        response.end(
          '{"error":{"message":"Unrecognized request argument supplied: stream_options","type":"invalid_request_error"}}',
        )
        return
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(
        'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
      )
    })
  }).listen(port, '127.0.0.1')
  simulator = await startSimulator({ port: 0 })
  gateway = await startTestGateway({
    yaml: `
apiVersion: yumen/v1
prices: { "*": { input: "3", output: "15", cacheRead: "0.30" } }
users: [{ username: alice, balance: "100" }]
apiKeys: [{ user: alice, name: test, key: ${testKey} }]
channels:
  - { name: strict, provider: openai-compatible, baseUrl: "http://127.0.0.1:${port}", keys: [k], models: [strict] }
  - { name: claude, provider: anthropic, baseUrl: "${simulator.url}", keys: [k], models: [sim-read100000-tokens200-gap20] }
`,
  })
})
afterAll(async () => {
  await gateway.remove()
  await simulator.close()
  strict.close()
})

const ask = (path: string, body: object) =>
  fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

test('an upstream that does not take our stream_options is asked again without, and never with them again', async () => {
  const body = { model: 'strict', stream: true, messages: [{ role: 'user', content: 'hi' }] }
  for (let count = 0; count < 2; count++) {
    const answer = await ask('/v1/chat/completions', body)
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('[DONE]')])
  }
  expect(bodies.map(sent => sent.includes('stream_options'))).toEqual([true, false, false])
})

test("the client's own stream_options are its own mistake", async () => {
  const body = { model: 'strict', stream: true, stream_options: { include_usage: true }, messages: [] }
  expect((await ask('/v1/chat/completions', body)).status).toBe(400)
})

test('a stream that a kill cuts is charged by what the upstream told of its input, cached tokens at their rate', async () => {
  const answer = await ask('/v1/messages', {
    model: 'sim-read100000-tokens200-gap20',
    max_tokens: 500,
    stream: true,
    messages: [{ role: 'user', content: 'hi' }],
  })
  const reader = answer.body?.getReader()
  const endsAt = Date.now() + 2_000
  while (Date.now() < endsAt) await reader?.read()
  await gateway.kill()
  await gateway.restart()
  const shown: unknown = await gateway.yumenJson('requests', 'show', answer.headers.get('x-request-id') ?? '')
  expect(shown).toMatchObject({ class: 'crash', usage: { cacheRead: 100_000 } })
  const { charge } = shown as { charge: string } // decoding: the contract of requests show
  expect(Number(charge)).toBeGreaterThan(0.03)
  expect(Number(charge)).toBeLessThan(0.04)
})
