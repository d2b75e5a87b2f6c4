import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, ask, type Dialect, dialects, startAsking } from '../faults/ask.ts'
import { findRecord } from '../faults/books.ts'
import { type Stage, startStage } from '../faults/load.ts'

const keys = {
  user: 'sk-canarykeyofauser00000000000000000000000000000000000',
  admin: 'sk-canarykeyofadmin0000000000000000000000000000000000',
  local: 'sk-canarykeyoflocal0000000000000000000000000000000000',
} as const
const upstreamKey = 'upstream-canary-key'
const canaries = {
  prompt: 'canary-of-the-prompt',
  cookie: 'canary-of-the-cookie',
  query: 'canary-of-the-query',
  header: 'canary-of-a-header',
  answer: 'canary-of-the-answer',
} as const

let stage: Stage
let chatty: Server
beforeAll(async () => {
  chatty = await startChatty()
  const address = chatty.address()
  const chattyUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  stage = await startStage({
    env: { YUMEN_LOG_LEVEL: 'trace', YUMEN_TRUSTED_PROXIES: '' },
    more: upstream => ({
      users: [
        { username: 'alice', balance: '100' },
        { username: 'boss', role: 'admin', balance: '100' },
      ],
      apiKeys: [
        { user: 'alice', name: 'user', key: keys.user },
        { user: 'alice', name: 'local', key: keys.local, allowIps: ['10.1.2.3'] },
        { user: 'boss', name: 'admin', key: keys.admin },
      ],
      channels: ['openai', 'anthropic', 'gemini'].flatMap(provider => [
        {
          name: provider,
          provider,
          baseUrl: upstream,
          keys: [upstreamKey],
          models: [
            'sim',
            'sim-echo',
            'sim-tools',
            'sim-fault-error-after-8',
            'sim-fault-status-500',
            'sim-fault-status-400',
          ],
        },
        { name: `${provider}-chatty`, provider, baseUrl: chattyUrl, keys: [upstreamKey], models: ['chatty'] },
      ]),
    }),
  })
})
afterAll(async () => {
  await stage.close()
  chatty.close()
})

/** All that a client may send along and that is none of the upstream's business. */
const trust: Readonly<Record<string, string>> = {
  cookie: `session=${canaries.cookie}`,
  'proxy-authorization': `Basic ${canaries.header}`,
  'x-forwarded-for': '203.0.113.7',
  'x-forwarded-host': 'internal.example',
  'x-forwarded-proto': 'https',
  forwarded: 'for=203.0.113.7',
  'x-real-ip': '203.0.113.7',
  'cf-connecting-ip': '203.0.113.7',
  'true-client-ip': '203.0.113.7',
  via: '1.1 somebody',
  origin: 'https://app.example',
  referer: 'https://app.example/page',
  te: 'trailers',
  'x-yumen-debug': '1',
  'x-yumen-strict': '1',
  'x-request-id': 'of-the-client',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'accept-encoding': 'gzip, br, zstd',
  'x-canary': canaries.header,
  'openai-organization': canaries.header,
}

/** What reaches an upstream at all: what we write, and what a provider names. */
const sentNames = new Set([
  'host',
  'connection',
  'content-type',
  'content-length',
  'accept',
  'user-agent',
  'authorization',
  'x-api-key',
  'x-goog-api-key',
  'anthropic-version',
  'transfer-encoding',
])

describe('to an upstream', () => {
  test.each(dialects.flatMap(dialect => [true, false].map(isStreaming => ({ dialect, isStreaming }))))(
    '$dialect, streamed $isStreaming: nothing goes along of what a client sends about itself',
    async ({ dialect, isStreaming }) => {
      stage.simulator.clear()
      const answer = await ask(stage.gateway.url, {
        dialect,
        model: 'sim',
        isStreaming,
        key: keys.user,
        headers: trust,
      })
      expect(answer.isWhole).toBe(true)
      const [seen] = stage.simulator.requests
      const names = Object.keys(seen?.headers ?? {})
      expect(names.filter(name => !sentNames.has(name))).toEqual([])
      const text = `${seen?.path} ${seen?.rawHeaders.join(' ')} ${seen?.body}`
      for (const secret of [
        keys.user,
        ...Object.values(canaries),
        '203.0.113.7',
        'app.example',
        'of-the-client',
        'somebody',
      ])
        expect(text).not.toContain(secret)
      expect(seen?.rawHeaders.join(' ')).toContain(upstreamKey)
      expect(seen?.headers['user-agent']).toBe('yumen')
    },
  )

  test.each([
    '/v1beta/models/sim:generateContent?key=',
    '/v1beta/models/sim:streamGenerateContent?alt=sse&key=',
  ])('the key in %s stays here, like everything else of the query that no provider names', async path => {
    stage.simulator.clear()
    const body = JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] })
    const response = await fetch(`${stage.gateway.url}${path}${keys.user}&x=${canaries.query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    expect(response.status).toBe(200)
    await response.text()
    const [seen] = stage.simulator.requests
    expect(seen?.path).not.toContain(canaries.query)
    expect(`${seen?.path} ${seen?.rawHeaders.join(' ')}`).not.toContain(keys.user)
  })
})

/** What reaches a client at all. */
const toldNames = new Set([
  'content-type',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'date',
  'x-request-id',
  'request-id',
  'cache-control',
  'x-accel-buffering',
  'x-should-retry',
  'access-control-allow-origin',
  'access-control-expose-headers',
  'retry-after',
  'retry-after-ms',
])
const unexpectedOf = (answer: Answer) => Object.keys(answer.headers).filter(name => !toldNames.has(name))

describe('to a client', () => {
  test.each(
    dialects.flatMap(dialect =>
      ['sim', 'chatty', 'sim-fault-status-500', 'sim-fault-status-400', 'nothing'].flatMap(model =>
        [true, false].map(isStreaming => ({ dialect, model, isStreaming })),
      ),
    ),
  )(
    '$dialect, $model, streamed $isStreaming: no header of an upstream goes along',
    async ({ dialect, model, isStreaming }) => {
      const answer = await ask(stage.gateway.url, { dialect, model, isStreaming, key: keys.user })
      expect(unexpectedOf(answer)).toEqual([])
      expect(answer.headers['x-request-id']).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/)
      expect(JSON.stringify(answer.headers)).not.toMatch(/upstream|simulat|req_|cf_bm/i)
    },
  )

  test.each(dialects)('%s: which channels were tried is for administrators who ask', async dialect => {
    const askAs = (key: string, headers: Readonly<Record<string, string>>) =>
      ask(stage.gateway.url, { dialect, model: 'sim', isStreaming: false, key, headers })
    const debug = { 'x-yumen-debug': '1' }
    expect(unexpectedOf(await askAs(keys.user, debug))).toEqual([])
    expect(unexpectedOf(await askAs(keys.admin, {}))).toEqual([])
    expect(unexpectedOf(await askAs(keys.admin, debug)).sort()).toEqual([
      'x-yumen-attempts',
      'x-yumen-channel',
    ])
  })
})

describe('who a client says that it is', () => {
  test.each(dialects)('%s: is not believed without a trusted proxy', async dialect => {
    const answer = await ask(stage.gateway.url, {
      dialect,
      model: 'sim',
      isStreaming: false,
      key: keys.local,
      headers: { 'x-forwarded-for': '10.1.2.3', 'x-real-ip': '10.1.2.3', forwarded: 'for=10.1.2.3' },
    })
    expect(answer.status).toBe(403)
  })
})

/** Every way to end, with canaries wherever a client or an upstream can put one. */
async function leaveTraces(dialect: Dialect): Promise<void> {
  const { gateway } = stage
  const text = `${canaries.prompt} ${canaries.answer}`
  const content = [{ role: 'user', content: text }]
  const body = {
    chat: { messages: content },
    anthropic: { messages: content },
    responses: { input: text },
    gemini: { contents: [{ role: 'user', parts: [{ text }] }] },
  }[dialect]
  const question = { dialect, isStreaming: true, key: keys.user, headers: trust, body }
  for (const model of [
    'sim-echo',
    'sim-tools',
    'sim-fault-error-after-8',
    'sim-fault-status-500',
    'sim-fault-status-400',
    'chatty',
    'nothing',
  ]) {
    for (const isStreaming of [true, false]) await ask(gateway.url, { ...question, model, isStreaming })
  }
  await ask(gateway.url, { ...question, model: 'sim', key: `${keys.user}-1000001` })
  await ask(gateway.url, { ...question, model: 'sim', key: `${keys.user}x` })
  await ask(gateway.url, { ...question, model: 'sim', body: { ...body, stream: canaries.prompt } })
  const leaving = startAsking(gateway.url, { ...question, model: 'sim-echo' })
  leaving.request.destroy()
  await leaving.answer
}

test('no key, prompt, answer or cookie is in the log, the journal or the database', async () => {
  const { gateway } = stage
  for (const dialect of dialects) await leaveTraces(dialect)
  const last = await ask(gateway.url, { dialect: 'chat', model: 'sim', isStreaming: false, key: keys.user })
  await findRecord(gateway.dataDir, last.id)
  const files = filesIn(gateway.dataDir).filter(path => !path.endsWith('test.yaml'))
  expect(files.some(path => path.endsWith('.journal'))).toBe(true)
  await gateway.untilPrinted(last.id)
  const places = [
    ['the log', gateway.output()],
    ...files.map(path => [path, readFileSync(path, 'latin1')]),
  ] as const
  const secrets = [...Object.values(keys), upstreamKey, ...Object.values(canaries)]
  const found = places.flatMap(([place, text]) =>
    secrets.filter(secret => text?.includes(secret)).map(secret => `${secret} is in ${place}`),
  )
  expect(found).toEqual([])
  for (const line of gateway.output().split('\n').slice(0, -1)) expect(JSON.parse(line)).toHaveProperty('msg')
})

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}

/** An upstream that tells everything about itself. */
async function startChatty(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(500, {
        'content-type': 'application/json',
        'set-cookie': 'upstream=1',
        server: 'upstream',
        via: '1.1 upstream',
        'x-request-id': 'req_upstream',
        'request-id': 'req_upstream',
        'openai-organization': 'upstream',
        'openai-processing-ms': '1',
        'x-ratelimit-limit-requests': '1',
        'anthropic-ratelimit-requests-limit': '1',
        'cf-ray': 'upstream',
        'alt-svc': 'upstream',
        'strict-transport-security': 'upstream',
        'access-control-allow-origin': '*',
        'x-powered-by': 'upstream',
        trailer: 'x-upstream',
        'x-yumen-channel': 'upstream',
        location: 'http://upstream',
        'proxy-authenticate': 'upstream',
        'www-authenticate': 'upstream',
        'transfer-encoding': 'chunked',
      })
      response.end(
        JSON.stringify({
          error: { message: `${canaries.answer} at upstream`, type: 'server_error', code: null },
        }),
      )
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}
