import { readFileSync } from 'node:fs'
import { Agent, request as startRequest } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faults } from './faults.ts'
import type { JsonObject } from './json.ts'
import { type Simulator, startSimulator } from './simulator.ts'
import { calls, eventsIn, type Outcome, objectsOf, talk, tools } from './testing/client.ts'

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({ port: 0 })
})
afterAll(() => simulator.close())

type Name = keyof typeof faults
type Protocol = keyof typeof calls

interface Asked {
  readonly words?: string
  readonly as?: Protocol
  readonly more?: JsonObject
}

const whole = (fault: string, { words = '', as = 'openai-chat', more = {} }: Asked = {}) =>
  talk(simulator.url, calls[as](`sim${words}-fault-${fault}`, more))

const stream = (fault: string, { more = {}, ...asked }: Asked = {}) =>
  whole(fault, { ...asked, more: { stream: true, ...more } })

const withTools = { words: '-tools', more: { tools: tools['openai-chat'] } }

const text = ({ body }: Outcome) => objectsOf(body).map(contentOf).join('')

function contentOf(chunk: JsonObject): string {
  return /"content":"((?:[^"\\]|\\.)*)"/.exec(JSON.stringify(chunk))?.[1] ?? ''
}

const refused = (status: number, code: string) => async (name: string) => {
  const outcome = await whole(name)
  expect(outcome.status).toBe(status)
  expect(outcome.body).toContain(code)
  expect(JSON.parse(outcome.body)).toHaveProperty('error.message')
}

/** One request over the agent's connection, read to its end. */
function askWith(
  agent: Agent,
  fault: string,
): Promise<{ statusCode?: number | undefined; reusedSocket: boolean }> {
  const { path, headers, body } = calls['openai-chat'](`sim-fault-${fault}`)
  const options = { method: 'POST', agent, headers: { ...headers, 'content-type': 'application/json' } }
  return new Promise((resolve, reject) => {
    const request = startRequest(`${simulator.url}${path}`, options, response => {
      const { statusCode } = response
      response.resume().once('end', () => resolve({ statusCode, reusedSocket: request.reusedSocket }))
    })
    request.once('error', reject).end(JSON.stringify(body))
  })
}

/** How each fault shows to a bare socket. The compiler asks for every name of the table. */
const shows: Record<Name, (name: string) => Promise<void>> = {
  first: async () => {
    expect((await whole('first-2-status-429')).status).toBe(429)
    expect((await whole('first-2-status-429')).status).toBe(429)
    expect((await whole('first-2-status-429')).status).toBe(200)
  },
  after: async () => {
    expect((await whole('after-1')).status).toBe(200)
    expect((await whole('after-1')).status).toBe(500)
  },
  flaky: async () => {
    const statuses = [
      await whole('flaky-50'),
      await whole('flaky-50'),
      await whole('flaky-50'),
      await whole('flaky-50'),
    ]
    expect(statuses.map(outcome => outcome.status)).toEqual([500, 200, 500, 200])
  },
  'status-400': refused(400, 'invalid_request_error'),
  'status-401': refused(401, 'invalid_api_key'),
  'status-402': refused(402, 'insufficient_quota'),
  'status-403': refused(403, 'permission_denied'),
  'status-404': refused(404, 'invalid_request_error'),
  'status-408': refused(408, 'request_timeout'),
  'status-409': refused(409, 'conflict'),
  'status-413': refused(413, 'request_too_large'),
  'status-422': refused(422, 'unprocessable_entity'),
  'status-429': refused(429, 'rate_limit_exceeded'),
  'status-500': refused(500, 'server_error'),
  'status-502': refused(502, 'server_error'),
  'status-503': refused(503, 'server_error'),
  'status-504': refused(504, 'server_error'),
  'status-520': refused(520, 'server_error'),
  'status-529': refused(529, 'overloaded'),
  'rate-limited': async name => expect((await whole(`${name}-7`)).head).toContain('retry-after: 7'),
  'rate-limited-date': async name => expect((await whole(name)).head).toMatch(/retry-after: \w{3}, .* gmt/),
  'rate-limited-ms': async name => expect((await whole(name)).head).toContain('retry-after-ms: 2000'),
  overloaded: async name => {
    expect((await whole(name)).status).toBe(503)
    expect((await whole(name, { as: 'anthropic' })).status).toBe(529)
  },
  'quota-gone': refused(429, 'insufficient_quota'),
  'key-revoked': async name => {
    expect((await whole(name)).status).toBe(401)
    expect((await whole(name, { as: 'gemini' })).body).toContain('API_KEY_INVALID')
  },
  'content-filter': async name => {
    expect((await whole(name)).body).toContain('content_policy_violation')
    expect((await whole(name, { as: 'gemini' })).body).toContain('{"promptFeedback":{"blockReason"')
  },
  'context-too-long': async name => {
    expect((await whole(name)).body).toContain('context_length_exceeded')
    expect((await whole(name, { as: 'anthropic' })).body).toContain(
      'prompt is too long: 210000 tokens > 200000 maximum',
    )
  },
  'model-missing': refused(404, 'model_not_found'),
  'region-blocked': refused(403, 'unsupported_country_region_territory'),

  'reset-before-headers': async name =>
    expect(await whole(name)).toMatchObject({ ended: 'reset', status: 0, head: '' }),
  'close-before-headers': async name =>
    expect(await whole(name)).toMatchObject({ ended: 'end', status: 0, head: '' }),
  'reset-in-headers': async name => {
    const outcome = await whole(name)
    expect(outcome.ended).toBe('reset')
    expect(outcome.head).toMatch(/content-len$/)
  },
  'reset-after-headers': async name =>
    expect(await whole(name)).toMatchObject({ ended: 'reset', status: 200, body: '' }),
  'reset-mid-stream': async name => {
    const outcome = await stream(`${name}-4`)
    expect(outcome.ended).toBe('reset')
    expect(eventsIn(outcome.body)).toHaveLength(4)
  },
  'cut-after': async name => {
    const outcome = await stream(`${name}-2`)
    expect(outcome.ended).toBe('end')
    expect(eventsIn(outcome.body)).toHaveLength(2)
    expect(outcome.bytes.toString()).not.toContain('[DONE]')
  },
  'cut-at': async name => {
    const outcome = await whole(`${name}-20`)
    expect(outcome.ended).toBe('end')
    const length = Number(/content-length: ([0-9]+)/.exec(outcome.head)?.[1])
    expect(outcome.bytes.length).toBe(Math.floor(length / 5))
  },
  'cut-in-event': async name => {
    const outcome = await stream(`${name}-2`)
    expect(eventsIn(outcome.body)).toHaveLength(1)
    expect(outcome.body).toMatch(/data: \{[^\n]+$/)
  },
  'hang-before-headers': async name => expect(await whole(name)).toMatchObject({ ended: 'open', head: '' }),
  'hang-after-headers': async name =>
    expect(await whole(name)).toMatchObject({ ended: 'open', status: 200, body: '' }),
  'hang-mid-stream': async name => {
    const outcome = await stream(`${name}-2`)
    expect(outcome.ended).toBe('open')
    expect(eventsIn(outcome.body)).toHaveLength(2)
  },
  'close-after-answer': async name => {
    const call = calls['openai-chat'](`sim-fault-${name}`)
    const outcome = await talk(simulator.url, {
      ...call,
      headers: { ...call.headers, connection: 'keep-alive' },
    })
    expect(outcome).toMatchObject({ ended: 'end', status: 200 })
    expect(outcome.head).toContain('connection: keep-alive')
  },
  'reset-after-answer': async name => {
    const call = calls['openai-chat'](`sim-fault-${name}`)
    const outcome = await talk(simulator.url, {
      ...call,
      headers: { ...call.headers, connection: 'keep-alive' },
    })
    expect(outcome).toMatchObject({ ended: 'reset', status: 200 })
  },
  'forget-after-answer': async name => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const first = await askWith(agent, name)
    expect(first).toMatchObject({ statusCode: 200, reusedSocket: false })
    await expect(askWith(agent, name)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(await askWith(agent, name)).toMatchObject({ statusCode: 200, reusedSocket: false })
    agent.destroy()
  },
  'length-too-long': async name => {
    const { head, bytes } = await whole(name)
    expect(Number(/content-length: ([0-9]+)/.exec(head)?.[1])).toBe(bytes.length + 64)
  },
  'length-too-short': async name => {
    const { head, bytes } = await whole(name)
    expect(Number(/content-length: ([0-9]+)/.exec(head)?.[1])).toBe(Math.floor(bytes.length / 2))
  },
  'http-1-0': async name => {
    const outcome = await stream(name)
    expect(outcome.head).toMatch(/^http\/1\.0 200/)
    expect(outcome.head).not.toMatch(/content-length|transfer-encoding/)
    expect(outcome.body).toContain('[DONE]')
  },
  'bad-chunk': async name => expect((await whole(name)).head).toContain('transfer-encoding: chunked'),
  'not-http': async name => expect((await whole(name)).head).toMatch(/^ssh-2\.0/),
  'early-hints': async name => {
    const { head, status } = await whole(name)
    expect(head).toMatch(/^http\/1\.1 102 [\s\S]*http\/1\.1 103 /)
    expect(status).toBe(200)
  },
  'continue-unasked': async name => expect((await whole(name)).head).toMatch(/^http\/1\.1 100 /),
  'huge-headers': async name => expect((await whole(`${name}-20`)).head.length).toBeGreaterThan(20 * 1024),

  'slow-first-byte': async name => expect((await whole(`${name}-60`)).ms).toBeGreaterThanOrEqual(55),
  'slow-first-event': async name =>
    expect(await stream(`${name}-400`)).toMatchObject({ status: 200, body: '', ended: 'open' }),
  'slow-everything': async name => expect((await stream(`${name}-5`)).ms).toBeGreaterThanOrEqual(50),
  trickle: async name => {
    expect((await whole(`${name}-200`)).bytes).toHaveLength(0)
    expect((await whole(`${name}-1`, { words: '-empty' })).ms).toBeGreaterThan(100)
  },

  'html-502': async name =>
    expect(await whole(name)).toMatchObject({ status: 502, body: expect.stringContaining('<html>') }),
  'html-200': async name =>
    expect(await whole(name)).toMatchObject({ status: 200, body: expect.stringContaining('<html>') }),
  'html-404': async name =>
    expect(await whole(name)).toMatchObject({ status: 404, body: expect.stringContaining('<html>') }),
  'text-404': async name =>
    expect(await whole(name)).toMatchObject({ status: 404, body: '404 page not found\n' }),
  'text-503': async name =>
    expect(await whole(name)).toMatchObject({
      status: 503,
      body: expect.stringContaining('upstream connect'),
    }),
  'redirect-302': async name =>
    expect((await whole(name)).head).toMatch(/ 302 [\s\S]*location: \/_redirected/),
  'redirect-301': async name =>
    expect((await whole(name)).head).toMatch(/ 301 [\s\S]*location: \/_redirected/),
  'redirect-307': async name =>
    expect((await whole(name)).head).toMatch(/ 307 [\s\S]*location: \/_redirected/),
  'error-in-200': async name =>
    expect(await stream(name)).toMatchObject({ status: 200, body: expect.stringMatching(/^\{"error"/) }),
  'empty-body': async name =>
    expect(await whole(name)).toMatchObject({ status: 200, body: '', ended: 'end' }),
  'garbage-body': async name => expect((await whole(name)).body).toContain('<<< not JSON'),
  'truncated-json': async name => {
    const { body, ended } = await whole(name)
    expect(ended).toBe('end')
    expect(() => JSON.parse(body)).toThrow()
  },
  'json-for-stream': async name => expect((await stream(name)).body).toMatch(/^\{"id":.*"chat.completion"/),
  'stream-for-whole': async name => expect((await whole(name)).body).toMatch(/^data: [\s\S]*\[DONE\]/),
  'wrong-content-type': async name => expect((await stream(name)).head).toContain('content-type: text/plain'),
  gzip: async name => expect(gunzipSync((await stream(name)).bytes).toString()).toContain('[DONE]'),
  'gzip-invalid': async name => {
    const outcome = await whole(name)
    expect(outcome.head).toContain('content-encoding: gzip')
    expect(outcome.body).toContain('Hello')
  },
  'gzip-broken': async name => {
    const { bytes } = await whole(name)
    expect(bytes.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]))
    expect(() => gunzipSync(bytes)).toThrow()
  },
  'utf8-broken': async name => {
    expect((await whole(name)).bytes.includes(Buffer.from([0xc3, 0x28]))).toBe(true)
    expect((await stream(name)).bytes.includes(Buffer.from([0xc3, 0x28]))).toBe(true)
  },
  'huge-line': async name => expect((await stream(`${name}-1`)).bytes.length).toBeGreaterThan(1024 * 1024),
  'deep-json': async name => expect((await stream(`${name}-50`)).body).toContain('['.repeat(50)),

  'end-after': async name => {
    const outcome = await stream(`${name}-2`)
    expect(eventsIn(outcome.body)).toHaveLength(2)
    expect(outcome.ended).toBe('end')
  },
  'end-in-event': async name => expect((await stream(name)).body).toMatch(/data: \{[^\n]+$/),
  'error-first-event': async name => {
    expect((await stream(name)).body).toMatch(/^data: \{"error"/)
    expect((await stream(name, { as: 'anthropic' })).body).toMatch(/^event: error\ndata: \{"type":"error"/)
    expect((await stream(name, { as: 'openai-responses' })).body).toMatch(/^event: error\n/)
  },
  'error-after': async name => {
    const events = eventsIn((await stream(`${name}-3`, { as: 'openai-responses' })).body)
    expect(events).toHaveLength(4)
    expect(events.at(-1)).toMatchObject({ event: 'response.failed' })
    expect((await stream(name, { as: 'gemini' })).body).toMatch(/data: \{"error":\{"code":500/)
  },
  'empty-stream': async name =>
    expect(await stream(name)).toMatchObject({ status: 200, body: '', ended: 'end' }),
  'only-end': async name => expect((await stream(name)).body).toBe('data: [DONE]\n\n'),
  'missing-end': async name => {
    expect((await stream(name)).body).not.toContain('[DONE]')
    expect((await stream(name, { as: 'anthropic' })).body).not.toContain('message_stop')
    expect((await stream(name, { as: 'openai-responses' })).body).not.toContain('response.completed')
    expect((await stream(name, { as: 'gemini' })).body).not.toContain('finishReason')
  },
  'missing-finish': async name => {
    const { body } = await stream(name)
    expect(body).not.toContain('"finish_reason":"stop"')
    expect(body).toContain('[DONE]')
  },
  'events-after-end': async name => expect((await stream(name)).body).toMatch(/\[DONE\]\n\ndata: \{/),
  'endless-stream': async name => {
    const controller = new AbortController()
    const answer = await fetch(`${simulator.url}/v1/responses`, {
      method: 'POST',
      headers: { authorization: 'Bearer any', 'content-type': 'application/json' },
      body: JSON.stringify({ model: `sim-fault-${name}-1`, input: 'x', stream: true }),
      signal: controller.signal,
    })
    let bytes = 0
    for await (const chunk of answer.body ?? []) {
      bytes += chunk.length
      if (bytes > 20_000) break
    }
    controller.abort()
    expect(bytes).toBeGreaterThan(20_000)
  },
  'duplicate-events': async name => expect(text(await stream(name))).toMatch(/^HelloHello from from/),
  'garbage-event': async name => {
    const events = eventsIn((await stream(`${name}-2`)).body)
    expect(() => JSON.parse(events[1]?.data ?? '')).toThrow()
    expect(events.at(-1)?.data).toBe('[DONE]')
  },
  'unknown-events': async name =>
    expect((await stream(name, { as: 'anthropic' })).body).toContain('event: simulator.unheard_of'),
  'null-choices': async name => expect((await stream(name)).body).toContain('"choices":null'),
  'comment-flood': async name => expect((await stream(`${name}-9`)).body).toMatch(/^(: ping\n\n){9}data: /),
  'ping-flood': async name => {
    const { body } = await stream(`${name}-4`, { as: 'anthropic' })
    expect(body).toContain('event: ping\ndata: {"type":"ping"}\n\n'.repeat(4))
  },
  'mixed-newlines': async name => {
    const outcome = await stream(name)
    expect(outcome.body).toMatch(/\n\n[\s\S]*\r\n\r\n[\s\S]*\r\r/)
    expect(text(outcome)).toBe('Hello from the simulator, all is well here.')
  },
  'no-space': async name => expect((await stream(name)).body).toMatch(/^data:\{/),
  'multi-line-data': async name => {
    const outcome = await stream(name)
    expect(outcome.body).toMatch(/^data: [^\n]+\ndata: /)
    expect(text(outcome)).toBe('Hello from the simulator, all is well here.')
  },
  'byte-order-mark': async name =>
    expect((await stream(name)).bytes.subarray(0, 3)).toEqual(Buffer.from('\ufeff')),
  'other-fields': async name =>
    expect((await stream(name)).body).toMatch(/^id: 0\nretry: 3000\nx-unknown: 1\ndata: /),

  'missing-usage': async name => {
    expect((await whole(name)).body).not.toContain('"usage"')
    expect((await stream(name, { as: 'anthropic' })).body).not.toContain('"usage"')
  },
  'zero-usage': async name => expect((await whole(name)).body).toContain('"total_tokens":0'),
  'odd-usage': async name =>
    expect((await whole(name)).body).toContain('"prompt_tokens":-7,"completion_tokens":"10.5"'),
  'huge-usage': async name => expect((await whole(name)).body).toContain('"prompt_tokens":1000000000000'),
  'other-model': async name => expect((await whole(name)).body).toContain('"model":"other-model-2025-01-01"'),
  'unknown-finish': async name => expect((await stream(name)).body).toContain('"finish_reason":"unheard_of"'),
  'stop-with-tools': async name => {
    const { body } = await whole(name, withTools)
    expect(body).toContain('"tool_calls":[')
    expect(body).toContain('"finish_reason":"stop"')
  },
  'tool-input-cut': async name => expect((await stream(name, withTools)).body).not.toContain('1}'),
  'tool-input-empty': async name =>
    expect((await stream(name, withTools)).body).not.toMatch(/"arguments":"[^"]/),
  'tool-input-object': async name => {
    expect((await whole(name, withTools)).body).toContain('"arguments":{"city":')
    expect((await stream(name, withTools)).body).toContain('"arguments":{"city":')
  },
  'tool-index-missing': async name =>
    expect((await stream(name, withTools)).body).not.toMatch(/"tool_calls":\[\{"index"/),
  'tool-id-missing': async name => expect((await stream(name, withTools)).body).not.toContain('"id":"call_'),
  'usage-in-finish': async name =>
    expect((await stream(name)).body).toMatch(/"finish_reason":"stop"\}\],"usage":\{"prompt_tokens"/),
  'content-in-finish': async name =>
    expect((await stream(name)).body).toMatch(/"content":" The end\."\},[^\n]*"finish_reason":"stop"/),
  'filter-first': async name =>
    expect((await stream(name)).body).toMatch(/^data: [^\n]*"choices":\[\],"prompt_filter_results"/),
  'missing-role': async name => expect((await stream(name)).body).not.toContain('"role"'),
}

test.each(Object.entries(shows))('%s shows on the wire', async (name, show) => {
  await show(name)
})

test.each(['openai-chat', 'openai-responses', 'anthropic', 'gemini'] as const)(
  'no fault stops the simulator in %s, whole or streamed',
  async as => {
    const asked = Object.keys(faults).flatMap(name => [{}, { stream: true }].map(more => ({ name, more })))
    const talks = asked.map(({ name, more }) =>
      talk(simulator.url, calls[as](`sim-tools-fault-${name}`, { tools: tools[as], ...more }), {
        mostMs: 400,
      }),
    )
    expect(await Promise.all(talks)).toHaveLength(asked.length)
    expect((await talk(simulator.url, calls[as]('sim'), { quietMs: 5_000 })).status).toBe(200)
  },
)

test('the table in the README lists exactly the faults, in their own words', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const rows = readme
    .slice(readme.indexOf('<!-- faults -->'))
    .matchAll(/^\| `([a-z0-9-]+)` \|.*\| (.+) \|$/gm)
  const listed = Array.from(rows, ([, name, about]) => [name, about])
  expect(listed).toEqual(Object.entries(faults).map(([name, { about }]) => [name, about]))
})

test('a fault that does not exist is refused by name', async () => {
  const outcome = await whole('gremlins')
  expect(outcome.status).toBe(400)
  expect(outcome.body).toContain("Unknown fault 'gremlins'")
})

test('a fault in the header counts as one in the name', async () => {
  const call = calls['openai-chat']('sim')
  const outcome = await talk(simulator.url, {
    ...call,
    headers: { ...call.headers, 'x-sim-fault': 'first-1-html-502' },
  })
  expect(outcome.status).toBe(502)
})

test('words may follow a fault, and faults may be combined', async () => {
  const outcome = await stream('byte-order-mark-tokens3-crlf-fault-end-after-2')
  expect(outcome.bytes.subarray(0, 3)).toEqual(Buffer.from('\ufeff'))
  expect(eventsIn(outcome.body)).toHaveLength(2)
})
