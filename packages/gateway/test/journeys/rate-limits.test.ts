import Anthropic from '@anthropic-ai/sdk'
import { type Simulator, startSimulator } from '@yumen/simulator'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, type Dialect, startAsking } from '../faults/ask.ts'
import { eventually, sleep } from '../faults/eventually.ts'
import { startTestGateway, type TestGateway } from '../gateway.ts'
import * as anthropic from './anthropic-client.ts'
import * as openai from './openai-client.ts'
import { errorOf } from './stage.ts'

/** A fresh key for each test: none stands where another has left its limits. */
const secret = (word: string) => `sk-${word.padEnd(48, '0')}`
const limited = {
  chat: { requestsPerMinute: 3 },
  responses: { requestsPerMinute: 1 },
  anthropic: { requestsPerMinute: 3, tokensPerMinute: 1_000_000 },
  gemini: { requestsPerMinute: 1 },
  tokens: { tokensPerMinute: 2_000 },
  counting: { tokensPerMinute: 100 },
  single: { concurrency: 1 },
  failing: { concurrency: 1 },
  leaving: { concurrency: 1, tokensPerMinute: 10_000 },
  hangingUp: { tokensPerMinute: 20_000 },
  free: undefined,
} as const
type KeyName = keyof typeof limited

const models = [
  'sim',
  'sim-in10-out20',
  'sim-slow',
  'sim-gap50-tokens1000',
  'sim-delay9000',
  'sim-fault-status-400',
  'other',
]

function yamlOf(upstream: string): string {
  return JSON.stringify({
    apiVersion: 'yumen/v1',
    groups: { default: { ratio: '1' }, watched: { ratio: '1' } },
    users: [
      { username: 'alice', balance: '100' },
      { username: 'bob', balance: '100', group: 'watched' },
    ],
    apiKeys: [
      ...Object.entries(limited).map(([name, rateLimit]) => ({
        user: 'alice',
        name,
        key: secret(name),
        ...(rateLimit && { rateLimit }),
      })),
      ...['bob-one', 'bob-two'].map(name => ({ user: 'bob', name, key: secret(name) })),
    ],
    channels: ['openai', 'anthropic', 'gemini'].map(provider => ({
      name: provider,
      provider,
      baseUrl: upstream,
      keys: ['upstream-key'],
      models: provider === 'openai' ? [...models, 'only-chat'] : models,
      groups: ['default', 'watched'],
    })),
    options: {
      'relay.retryTimes': 0,
      'limits.userByGroup': { watched: { requestsPerMinute: 4 } },
      'limits.userModel': { 'oth*': { requestsPerMinute: 1 } },
    },
  })
}

let simulator: Simulator
let gateway: TestGateway

beforeAll(async () => {
  simulator = await startSimulator({ port: 0 })
  gateway = await startTestGateway({ yaml: yamlOf(simulator.url), env: { YUMEN_LOG_LEVEL: 'warn' } })
})
afterAll(async () => {
  const status = await gateway.stop()
  await gateway.remove()
  await simulator.close()
  expect(status, gateway.output()).toBe(0)
})

function asked(
  name: KeyName | 'bob-one' | 'bob-two',
  more: { dialect?: Dialect; model?: string; body?: object } = {},
) {
  return { dialect: 'chat' as const, model: 'sim', isStreaming: false, key: secret(name), ...more }
}

describe('the fourth of three requests a minute', () => {
  test("is a RateLimitError of OpenAI's client, which says when to come back", async () => {
    const client = openai.clientOf(gateway, secret('chat'))
    const create = () => client.chat.completions.create({ model: 'sim', messages: openai.messages })
    const { response } = await create().withResponse()
    expect(response.headers.get('x-ratelimit-limit-requests')).toBe('3')
    expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('2')
    expect(response.headers.get('x-ratelimit-reset-requests')).toMatch(/^(20|19\.\d+)s$/)
    expect(response.headers.get('x-ratelimit-limit-tokens')).toBeNull()
    const streamed = await client.chat.completions
      .create({ model: 'sim', messages: openai.messages, stream: true })
      .withResponse()
    expect(streamed.response.headers.get('x-ratelimit-remaining-requests')).toBe('1')
    for await (const _ of streamed.data);
    await create()
    const error = await errorOf(OpenAI.RateLimitError, create())
    expect(error).toMatchObject({ status: 429, type: 'requests', code: 'rate_limit_exceeded' })
    expect(error.message).toContain('the API key "chat" may make 3 requests a minute')
    expect(Number(error.headers.get('retry-after'))).toBeGreaterThanOrEqual(18)
    expect(Number(error.headers.get('retry-after-ms'))).toBeLessThanOrEqual(20_000)
    expect(error.headers.get('x-ratelimit-remaining-requests')).toBe('0')
  })

  test("is a RateLimitError of Anthropic's client, with its headers", async () => {
    const client = anthropic.clientOf(gateway, secret('anthropic'))
    const create = () =>
      client.messages.create({ model: 'sim', max_tokens: 100, messages: anthropic.messages })
    const { response } = await create().withResponse()
    const headerOf = (name: string) => response.headers.get(`anthropic-ratelimit-${name}`)
    expect([headerOf('requests-limit'), headerOf('requests-remaining')]).toEqual(['3', '2'])
    expect(headerOf('tokens-limit')).toBe('1000000')
    const wait = Date.parse(headerOf('requests-reset') ?? '') - Date.now()
    expect(wait).toBeGreaterThan(15_000)
    expect(wait).toBeLessThan(21_500)
    await create()
    await create()
    const error = await errorOf(Anthropic.RateLimitError, create())
    expect(error.status).toBe(429)
    expect(Number(error.headers.get('retry-after'))).toBeGreaterThanOrEqual(18)
    expect(error.headers.get('anthropic-ratelimit-requests-remaining')).toBe('0')
    expect(error.headers.get('x-should-retry')).toBeNull()
  })
})

test('Responses has the headers of OpenAI, Gemini its RetryInfo', async () => {
  const first = await ask(gateway.url, asked('responses', { dialect: 'responses' }))
  expect(first.headers['x-ratelimit-remaining-requests']).toBe('0')
  const second = await ask(gateway.url, asked('responses', { dialect: 'responses' }))
  expect([second.status, second.headers['x-ratelimit-limit-requests']]).toEqual([429, '1'])
  await ask(gateway.url, asked('gemini', { dialect: 'gemini' }))
  const refused = await ask(gateway.url, asked('gemini', { dialect: 'gemini' }))
  expect(refused.status).toBe(429)
  expect(refused.headers['x-ratelimit-limit-requests']).toBeUndefined()
  expect(JSON.parse(refused.text)).toMatchObject({
    error: {
      status: 'RESOURCE_EXHAUSTED',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.RetryInfo',
          retryDelay: expect.stringMatching(/^(60|59\.\d+)s$/),
        },
      ],
    },
  })
})

describe('tokens', () => {
  test('are reserved by the output limit and corrected to the usage', async () => {
    const question = asked('tokens', { model: 'sim-in10-out20', body: { max_tokens: 1_700 } })
    for (let count = 0; count < 5; count++) {
      const { status, headers } = await ask(gateway.url, question)
      expect(status).toBe(200)
      // 1,700 and some for its bytes are taken at the head; of each request before it 30 stay.
      expect(Number(headers['x-ratelimit-remaining-tokens'])).toBeLessThan(300)
    }
    const { headers } = await ask(gateway.url, { ...question, body: { max_tokens: 1 } })
    const left = Number(headers['x-ratelimit-remaining-tokens'])
    expect(left).toBeGreaterThan(2_000 - 5 * 30 - 40)
    expect(left).toBeLessThan(2_000)
  })

  test('of a prompt that an upstream has got are gone, though its client hangs up before the answer', async () => {
    const body = { max_tokens: 10, messages: [{ role: 'user', content: 'word '.repeat(4_000) }] } // some 5,000 tokens
    const seen = simulator.requests.length
    const asking = startAsking(gateway.url, asked('hangingUp', { model: 'sim-delay9000', body }))
    await eventually(
      () => simulator.requests.length,
      count => count !== undefined && count > seen,
    )
    asking.request.destroy()
    await asking.answer
    await sleep(200) // long enough for the gateway to give all of it back
    const { headers } = await ask(gateway.url, asked('hangingUp', { body: { max_tokens: 1 } }))
    const left = Number(headers['x-ratelimit-remaining-tokens'])
    expect(left).toBeGreaterThan(14_000)
    expect(left).toBeLessThan(16_000)
  })

  test('that nobody has are refused as such, and counting them is free of them', async () => {
    const answer = await ask(
      gateway.url,
      asked('counting', { model: 'sim-in10-out20', dialect: 'anthropic', body: { max_tokens: 5 } }),
    )
    expect(answer.status).toBe(200)
    const chat = asked('counting', { model: 'sim', body: { max_tokens: 100 } })
    const refused = await ask(gateway.url, chat)
    expect(refused.status).toBe(429)
    expect(JSON.parse(refused.text)).toMatchObject({ error: { type: 'tokens', code: 'rate_limit_exceeded' } })
    const client = anthropic.clientOf(gateway, secret('counting'))
    const counted = await client.messages.countTokens({ model: 'sim', messages: anthropic.messages })
    expect(counted.input_tokens).toBeGreaterThan(0)
  })
})

describe('one request at a time', () => {
  test('is refused beside a stream, and admitted behind it', async () => {
    const stream = startAsking(gateway.url, { ...asked('single', { model: 'sim-slow' }), isStreaming: true })
    await eventually(
      () => stream.text(),
      text => text !== undefined && text.length > 0,
    )
    const beside = await ask(gateway.url, asked('single'))
    expect([beside.status, beside.headers['retry-after']]).toEqual([429, '1'])
    expect(beside.text).toContain('may have 1 request under way at once')
    expect((await stream.answer).isWhole).toBe(true)
    expect((await ask(gateway.url, asked('single'))).status).toBe(200)
    expect((await ask(gateway.url, asked('single'))).status).toBe(200)
  })

  test('has its place back when it failed', async () => {
    for (let count = 0; count < 3; count++)
      expect((await ask(gateway.url, asked('failing', { model: 'sim-fault-status-400' }))).status).toBe(400)
    expect((await ask(gateway.url, asked('failing', { model: 'nobody-serves-it' }))).status).toBe(404)
    expect((await ask(gateway.url, asked('failing'))).status).toBe(200)
  })

  test('has its place back when the client left, before its answer and within it', async () => {
    const model = 'sim-gap50-tokens1000'
    const within = startAsking(gateway.url, { ...asked('leaving', { model }), isStreaming: true })
    await eventually(
      () => within.text(),
      text => text !== undefined && text.length > 0,
    )
    within.request.destroy()
    await eventually(
      () => ask(gateway.url, asked('leaving')),
      answer => answer?.status === 200,
    )
    const seen = simulator.requests.length
    const before = startAsking(gateway.url, asked('leaving', { model: 'sim-delay9000' }))
    await eventually(
      () => simulator.requests.length,
      count => count !== undefined && count > seen,
    )
    expect((await ask(gateway.url, asked('leaving'))).status).toBe(429)
    before.request.destroy()
    await eventually(
      () => ask(gateway.url, asked('leaving')),
      answer => answer?.status === 200,
    )
  })
})

test("a user's limit is over all its keys; a model's is beside it", async () => {
  const statuses = []
  for (const name of ['bob-one', 'bob-two', 'bob-one', 'bob-two', 'bob-one'] as const)
    statuses.push((await ask(gateway.url, asked(name))).status)
  expect(statuses).toEqual([200, 200, 200, 200, 429])
  const free = await ask(gateway.url, asked('free'))
  expect([free.status, free.headers['x-ratelimit-limit-requests']]).toEqual([200, undefined])
  const models = [
    await ask(gateway.url, asked('free', { model: 'other' })),
    await ask(gateway.url, asked('free', { model: 'other' })),
  ]
  expect(models.map(({ status }) => status)).toEqual([200, 429])
  expect(models[1]?.text).toContain('with oth*')
})

test('refusals are on record and in the metrics', async () => {
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
  expect(metrics).toMatch(/yumen_rate_limited_total\{scope="key",unit="requests"\} \d+/)
  expect(metrics).toMatch(/yumen_rate_limited_total\{scope="user_model",unit="requests"\} 1/)
  expect(metrics).toMatch(/yumen_live_nodes 1/)
  const refused = await eventually(
    () => gateway.yumenJson('requests', 'list'),
    found => JSON.stringify(found).includes('rate_limited_client'),
  )
  expect(refused).toBeDefined()
})
