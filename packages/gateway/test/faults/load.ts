import { Agent } from 'node:http'
import { type Simulator, startSimulator } from '@yumen/simulator'
import { startTestGateway, type TestGateway, testKey } from '../gateway.ts'
import { type Answer, ask, dialects } from './ask.ts'

/** mulberry32: the same seed gives the same numbers in [0, 1). */
export function createSeeded(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export const seed = Number(process.env['YUMEN_TEST_SEED'] ?? Date.now() % 1_000_000)

export interface Stage {
  readonly simulator: Simulator
  readonly gateway: TestGateway
  close(): Promise<void>
}

export const startBalance = 100_000_000_000n

const loadModels = ['sim', 'sim-tokens50-gap1', 'sim-tokens300', 'sim-unicode', 'sim-tokens80-gap3-bytes64']

/** One channel per dialect with every model of the load; `more` is laid over the file. */
export async function startStage({
  models = loadModels,
  more = {},
  env = {},
}: {
  readonly models?: readonly string[]
  readonly more?: object | ((upstream: string) => object)
  readonly env?: Readonly<Record<string, string>>
} = {}): Promise<Stage> {
  const simulator = await startSimulator({ port: 0 })
  const channel = (provider: string) => ({
    name: provider,
    provider,
    baseUrl: simulator.url,
    keys: [`upstream-key-${provider}`],
    models,
  })
  const yaml = JSON.stringify({
    apiVersion: 'yumen/v1',
    prices: { '*': { input: '2.50', output: '10', cacheRead: '1.25' } },
    users: [{ username: 'alice', balance: '100' }],
    apiKeys: [{ user: 'alice', name: 'test', key: testKey }],
    channels: ['openai', 'anthropic', 'gemini'].map(channel),
    ...(typeof more === 'function' ? more(simulator.url) : more),
  })
  const gateway = await startTestGateway({ yaml, env: { YUMEN_LOG_LEVEL: 'warn', ...env } })
  return {
    simulator,
    gateway,
    async close() {
      await gateway.remove()
      await simulator.close()
    },
  }
}

export interface Load {
  /** Answers that are over, so far. */
  readonly answers: readonly Answer[]
  /** Asks nothing more; resolves when every request has ended. */
  stop(): Promise<readonly Answer[]>
}

/** Clients of all dialects, whole and streamed, each of which asks again as soon as it has its answer. */
export function startLoad(
  url: string,
  { random, clients = 12 }: { readonly random: () => number; readonly clients?: number },
): Load {
  const answers: Answer[] = []
  const agent = new Agent({ keepAlive: true })
  let isStopped = false
  const pick = <Item>(items: readonly [Item, ...Item[]] | readonly Item[]): Item => {
    const item = items[Math.floor(random() * items.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }
  async function client(): Promise<void> {
    while (!isStopped) {
      const answer = await ask(url, {
        dialect: pick(dialects),
        model: pick(loadModels),
        isStreaming: random() < 0.6,
        agent,
      })
      answers.push(answer)
      if (answer.status === 0) return
    }
  }
  const running = Promise.all(Array.from({ length: clients }, client))
  return {
    answers,
    async stop() {
      isStopped = true
      await running
      agent.destroy()
      return answers
    },
  }
}
