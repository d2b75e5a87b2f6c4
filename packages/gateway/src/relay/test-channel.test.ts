import { findProvider } from '@yumen/providers'
import { type Simulator, startSimulator } from '@yumen/simulator'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Channel } from '#catalog'
import { limits } from '#config'
import type { AttemptOutcome, Routing } from '#routing'
import { createShares } from './incoming/shares.ts'
import { createRoster } from './roster.ts'
import { testChannel } from './test-channel.ts'
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
  bytes: Partial<Pick<typeof limits, 'bodiesInFlightBytesMax'>> = {},
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
      limits,
      shares: createShares({
        limits: { ...limits, ...bytes },
        streamsPerKeyMax: () => 1,
        onShed: () => undefined,
      }),
      calls: createRoster(),
      streams: createRoster(),
      usageRefusers: new Set(),
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
