import { findProvider } from '@yumen/providers'
import { type Simulator, startSimulator } from '@yumen/simulator'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Channel } from '#catalog'
import { limits } from '#config'
import { readOverrides } from '#overrides'
import type { AttemptOutcome, Routing } from '#routing'
import { createShares } from './incoming/shares.ts'
import { createRoster } from './roster.ts'
import { testChannel } from './test-channel.ts'
import type { UpstreamCall } from './upstream/call.ts'
import { type Connections, createConnections } from './upstream/connections.ts'

let simulator: Simulator
let connections: Connections
beforeAll(async () => {
  simulator = await startSimulator({ port: 0 })
  connections = createConnections({ limits, onRefusedAddress: () => undefined })
})
afterAll(async () => {
  await connections.close()
  await simulator.close()
})
beforeEach(() => simulator.clear())

const told: AttemptOutcome[] = []
let released = 0
const calls = createRoster<UpstreamCall>()
/** What the test tells routing: nothing else of it is asked for. */
const routing = {
  begin: () => ({}),
  end: (_ticket: unknown, outcome: AttemptOutcome) => told.push(outcome),
  release: () => {
    released += 1
  },
} as unknown as Routing // decoding: the three that a test calls

function run(
  wishes: Partial<Omit<Channel, 'provider'>> & { readonly provider: string },
  own: Partial<Pick<typeof limits, 'bodiesInFlightBytesMax' | 'channelTestMsMax'>> = {},
) {
  const provider = findProvider(wishes.provider)
  if (provider === undefined) throw new Error(`there is no provider ${wishes.provider}`)
  const channel = {
    id: 1,
    name: 'c',
    baseUrl: simulator.url,
    keys: [{ position: 0, secret: 'k', fingerprint: 'f' }],
    models: new Set(['m']),
    modelMapping: new Map([['m', 'sim']]),
    settings: {},
    timeLimits: {
      connectTimeoutMs: 1_000,
      firstByteTimeoutMs: 1_000,
      idleTimeoutMs: 1_000,
      totalTimeoutMs: 1_000,
      pingIntervalMs: 0,
      retryTimes: 0,
    },
    ...wishes,
    provider,
  } as Channel // decoding: what a call reads of a channel
  told.length = 0
  released = 0
  return testChannel(
    {
      routing,
      connections,
      limits: { ...limits, ...own },
      shares: createShares({
        limits: { ...limits, ...own },
        streamsPerKeyMax: () => 1,
        onShed: () => undefined,
      }),
      calls,
      streams: createRoster(),
      usageRefusers: new WeakSet(),
      clock: () => performance.now(),
    },
    channel,
  )
}

test.each([
  { provider: 'openai', asks: '/v1/chat/completions' },
  { provider: 'anthropic', asks: '/v1/messages' },
  { provider: 'gemini', asks: '/v1beta/models/sim:generateContent' },
])(
  '$provider is asked a few tokens in its own dialect, and its health hears of it',
  async ({ provider, asks }) => {
    expect(await run({ provider })).toMatchObject([
      { class: 'ok', status: 200, model: 'sim', keyFingerprint: 'f' },
    ])
    expect(simulator.requests.map(({ path }) => path)).toEqual([expect.stringContaining(asks)])
    expect(told).toMatchObject([{ class: 'ok' }])
    expect(released).toBe(1)
  },
)

test('each key is asked', async () => {
  const keys = ['a', 'b'].map((secret, position) => ({ position, secret, fingerprint: secret }))
  expect((await run({ provider: 'openai', keys }))?.map(({ keyFingerprint }) => keyFingerprint)).toEqual([
    'a',
    'b',
  ])
})

test('a refused key is told as what it is', async () => {
  const modelMapping = new Map([['m', 'sim-fault-key-revoked']])
  expect(await run({ provider: 'openai', modelMapping })).toMatchObject([
    { class: 'auth_upstream', status: 401 },
  ])
  expect(told).toMatchObject([{ class: 'auth_upstream' }])
})

test('the model that the operator names is asked', async () => {
  const settings = { test_model: 'sim-tools' }
  expect(await run({ provider: 'openai', settings })).toMatchObject([{ model: 'sim-tools' }])
})

test('a channel of embeddings is asked for one', async () => {
  await run({ provider: 'openai', models: new Set(['text-embedding-3-small']), modelMapping: new Map() })
  expect(simulator.requests.map(({ path }) => path)).toEqual([expect.stringContaining('/v1/embeddings')])
})

test('an answer for which the gateway has no room says nothing of the upstream', async () => {
  expect(await run({ provider: 'openai' }, { bodiesInFlightBytesMax: 10 })).toMatchObject([
    { class: 'undecided' },
  ])
  expect(told).toMatchObject([{ class: 'undecided' }])
  expect(released).toBe(1)
})

/** The channel's settings as the store gives them. */
function overridesOf(stored: Partial<Parameters<typeof readOverrides>[0]>) {
  const reading = readOverrides({ settings: {}, passesThrough: false, ...stored })
  if (reading.kind === 'issues') throw new Error('the settings are wrong')
  return reading.overrides
}
const sent = () => simulator.requests.map(({ body }) => JSON.parse(body))

test('a channel is tested through its own settings: headers, parameters, system prompt', async () => {
  const overrides = overridesOf({
    headerOverride: { Authorization: 'Bearer own-{api_key}' },
    paramOverride: {
      operations: [
        { mode: 'set', path: 'user', value: 'tested', conditions: { is_channel_test: true } },
        { mode: 'set', path: 'seed', value: 7 },
      ],
    },
    settings: { system_prompt: 'Be brief.' },
  })
  expect(await run({ provider: 'openai', overrides })).toMatchObject([{ class: 'ok' }])
  expect(simulator.requests[0]?.headers).toMatchObject({ authorization: 'Bearer own-k' })
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'hi' },
  ]
  expect(sent()).toEqual([{ model: 'sim', max_tokens: 16, messages, user: 'tested', seed: 7 }])
})

test('settings that are wrong or refuse the question are told, and say nothing of the upstream', async () => {
  const wrong = overridesOf({ paramOverride: { operations: [{ mode: 'to_upper', path: 'missing' }] } })
  expect(await run({ provider: 'openai', overrides: wrong })).toMatchObject([
    { class: 'internal', message: expect.stringContaining('channel c: paramOverride.operations[0]') },
  ])
  const value = { message: 'closed', status_code: 451 }
  const closed = overridesOf({ paramOverride: { operations: [{ mode: 'return_error', value }] } })
  expect(await run({ provider: 'openai', overrides: closed })).toMatchObject([{ message: 'closed' }])
  expect([simulator.requests.length, told.length, released]).toEqual([0, 0, 0])
})

test.each([
  ['o3', true],
  ['o4-mini', true],
  ['gpt-5.1', true],
  ['openai/gpt-5-mini', true],
  ['gpt-4o', false],
  ['gpt-oss-120b', false],
  ['olmo-2', false],
])('%s thinks, and is asked by max_completion_tokens: %s', async (upstream, thinks) => {
  await run({ provider: 'openai', modelMapping: new Map([['m', upstream]]) })
  expect([Object.hasOwn(sent()[0], 'max_completion_tokens'), Object.hasOwn(sent()[0], 'max_tokens')]).toEqual(
    [thinks, !thinks],
  )
})

test('an upstream that hangs is given up by the limit of tests, not by that of traffic', async () => {
  const sweep = setInterval(() => {
    for (const call of calls) call.checkDeadlines(performance.now())
  }, 20)
  const minute = 60_000
  const timeLimits = {
    connectTimeoutMs: minute,
    firstByteTimeoutMs: minute,
    idleTimeoutMs: minute,
    totalTimeoutMs: minute,
    pingIntervalMs: 0,
    retryTimes: 0,
  }
  const modelMapping = new Map([['m', 'sim-fault-hang-before-headers']])
  const tests = await run({ provider: 'openai', modelMapping, timeLimits }, { channelTestMsMax: 200 })
  clearInterval(sweep)
  expect(tests).toMatchObject([{ class: 'upstream_timeout' }])
  expect(told).toMatchObject([{ class: 'upstream_timeout' }])
})
