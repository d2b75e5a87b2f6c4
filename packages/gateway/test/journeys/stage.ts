import { type Simulator, startSimulator } from '@yumen/simulator'
import { startTestGateway, type TestGateway, testKey } from '../gateway.ts'

/** Upstream and gateway of one test file, with keys and channels for every way in which a request can end. */
export interface Stage {
  readonly url: string
  readonly simulator: Simulator
  readonly gateway: TestGateway
  /** Throws when the gateway did not outlive the tests or does not end in good order. */
  close(): Promise<void>
}

/** API keys by what is wrong with them. */
export const keys = {
  good: testKey,
  unknown: secret('unknown'),
  disabled: secret('disabled'),
  expired: secret('expired'),
  spent: secret('spent'),
  narrow: secret('narrow'),
  elsewhere: secret('elsewhere'),
  /** May use `sim` and nothing else, from everywhere, for less than one answer. */
  poor: secret('poor'),
  embedding: secret('embedding'),
} as const

/** Models of channels that cannot answer, and what a client is to see of it. */
export const troubled = {
  /** Its only channel is disabled. */
  disabled: 'troubled-disabled',
  /** The upstream refuses the channel's key: 401. */
  deadKey: 'troubled-dead-key',
  /** The upstream says that the channel's account has no money left. */
  brokeKey: 'troubled-broke-key',
  /** The upstream limits the channel's key, and says for how long: one second. */
  limitedKey: 'troubled-limited-key',
  /** Nobody listens at its address. */
  nobody: 'troubled-nobody',
} as const

/** A model of a channel whose key is dead, and behind it of one that works. */
export const rescued = 'rescued'

/** Models that only the channel of one provider has. */
export const exclusive = {
  openai: 'only-openai',
  anthropic: 'only-anthropic',
  gemini: 'only-gemini',
} as const

/** Client's name → upstream's name, on every channel. */
export const mapped = {
  'my-model': 'sim',
  'my-thinker': 'sim-reasoning',
  'my-caller': 'sim-tools',
  'my-oddity': 'sim-unicode-crlf-bytes1',
} as const

/** What the upstream says, by the name of the model; `expected` of each client says what has to arrive. */
export const contents = [
  'sim',
  'sim-tools',
  'sim-paralleltools',
  'sim-reasoning',
  'sim-unicode',
  'sim-cached',
] as const
export type Content = (typeof contents)[number]

/** Ways to cut the upstream's bytes, and to end its lines: one byte at a time cuts them at every position. */
const cuttings = [
  'bytes1',
  'bytes2',
  'bytes3',
  'bytes5',
  'bytes7',
  'bytes64',
  'lf-bytes1',
  'crlf',
  'crlf-bytes1',
  'cr-bytes1',
]
export const cutModels = contents.flatMap(content =>
  cuttings.map(cutting => ({ content, model: `${content}-${cutting}` })),
)

export const fault = (name: string) => `sim-fault-${name}`
/** Models whose stream breaks at the eighth event: behind the first content, before the last. */
export const breaking = [
  'error-after',
  'cut-after',
  'cut-in-event',
  'reset-mid-stream',
  'end-after',
  'end-in-event',
  'garbage-event',
  'hang-mid-stream',
].map(name => fault(`${name}-8`))

export const sentence = 'Hello from the simulator, all is well here.'
export const oddSentence =
  '你好，世界 👩‍👩‍👧 e\u0301 🇯🇵 \u2028 한국어 "quoted" back\\slash line\nbreak ا 𝕐 😀'
export const thought = 'Let me think about it.'
/** What the simulator puts into the text argument number `index` of a tool. */
export const sample = (index: number) => `sample ${index} “ü” \\ "q"`
/** A request id is a ULID. */
export const requestId = /^[0-9A-HJKMNP-TV-Z]{26}$/

export const bodyBytesMax = 1024 * 1024

/** `models` work on a channel of each dialect, as they would at the simulator itself. */
export async function startStage({ models }: { readonly models: readonly string[] }): Promise<Stage> {
  const simulator = await startSimulator({ port: 0 })
  const yaml = JSON.stringify(configOf(simulator.url, models))
  const gateway = await startTestGateway({ yaml, env: { MAX_REQUEST_BODY_MB: '1', YUMEN_LOG_LEVEL: 'warn' } })
  return {
    url: gateway.url,
    simulator,
    gateway,
    async close() {
      const status = await gateway.stop()
      await gateway.remove()
      await simulator.close()
      if (status !== 0) throw new Error(`the gateway ended with ${status}:\n${gateway.output()}`)
    },
  }
}

/** JSON is YAML. */
function configOf(upstream: string, models: readonly string[]) {
  const key = (name: keyof typeof keys, more: object = {}) => ({
    user: 'alice',
    name,
    key: keys[name],
    ...more,
  })
  return {
    apiVersion: 'yumen/v1',
    prices: { '*': { input: '2.50', output: '10', cacheRead: '1.25' } },
    users: [{ username: 'alice', balance: '100' }],
    apiKeys: [
      key('good'),
      key('disabled', { enabled: false }),
      key('expired', { expiresAt: '2020-01-01T00:00:00Z' }),
      key('spent', { limit: '0' }),
      key('narrow', { models: ['some-other-model'] }),
      key('elsewhere', { allowIps: ['192.0.2.0/24'] }),
      key('embedding', { endpoints: ['embeddings'] }),
      key('poor', { limit: '0.000001', models: ['sim'] }),
    ],
    channels: dialects.flatMap(dialect => channelsOf(dialect, upstream, models)),
    options: { 'relay.retryTimes': 1 },
  }
}

const dialects = ['openai', 'anthropic', 'gemini'] as const

function channelsOf(provider: (typeof dialects)[number], upstream: string, models: readonly string[]) {
  const channel = (name: string, upstreamKey: string, more: object) => ({
    name: `${provider}-${name}`,
    provider,
    baseUrl: upstream,
    keys: [upstreamKey],
    ...more,
  })
  return [
    channel('good', 'upstream-key', {
      models: [
        ...models.filter(model => !hangs(model)),
        ...Object.keys(mapped),
        rescued,
        exclusive[provider],
      ],
      modelMapping: mapped,
    }),
    channel('impatient', 'upstream-key', {
      models: models.filter(hangs),
      settings: { firstByteTimeoutMs: 500, idleTimeoutMs: 500 },
    }),
    channel('disabled', 'upstream-key', { models: [troubled.disabled], enabled: false }),
    channel('dead', 'dead-key', { models: [troubled.deadKey, rescued], priority: 5 }),
    channel('broke', 'broke-key', { models: [troubled.brokeKey] }),
    channel('limited', 'limited-key', { models: [troubled.limitedKey] }),
    channel('nobody', 'upstream-key', { models: [troubled.nobody], baseUrl: 'http://127.0.0.1:1' }),
  ]
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** What `asked` was rejected with: an error of class `kind`, or the test fails. */
export async function errorOf<Kind extends Error>(
  kind: abstract new (...args: never[]) => Kind,
  asked: PromiseLike<unknown>,
): Promise<Kind> {
  const error = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof kind) return error
  throw new Error(`no ${kind.name} came, but ${String(error)}`)
}

function hangs(model: string): boolean {
  return model.includes('-hang-')
}

function secret(word: string): string {
  return `sk-${word.padEnd(48, '0')}`
}
