import { type Simulator, startSimulator } from '@yumen/simulator'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { ask, startAsking } from '../faults/ask.ts'
import { eventually } from '../faults/eventually.ts'
import { startTestGateway, type TestGateway } from '../gateway.ts'
import { createDatabase, hasPostgres, startPostgres, type TestPostgres } from '../postgres.ts'
import { hasRedis, startRedis, type TestRedis } from '../redis.ts'

const secret = (word: string) => `sk-${word.padEnd(48, '0')}`
const limited = {
  shared: { requestsPerMinute: 6 },
  seats: { concurrency: 1 },
  outage: { requestsPerMinute: 6 },
  alone: { requestsPerMinute: 6 },
} as const

function yamlOf(upstream: string): string {
  return JSON.stringify({
    apiVersion: 'yumen/v1',
    users: [{ username: 'alice', balance: '100' }],
    apiKeys: Object.entries(limited).map(([name, rateLimit]) => ({
      user: 'alice',
      name,
      key: secret(name),
      rateLimit,
    })),
    channels: [
      { name: 'a', provider: 'openai', baseUrl: upstream, keys: ['k'], models: ['sim', 'sim-slow'] },
    ],
  })
}

const question = (name: keyof typeof limited) =>
  ({ dialect: 'chat', model: 'sim', isStreaming: false, key: secret(name) }) as const

let simulator: Simulator
let own: TestPostgres | undefined
let database: string
let nodes: TestGateway[] = []

async function startNodes(env: Readonly<Record<string, string>>): Promise<void> {
  const yaml = yamlOf(simulator.url)
  const all = { SQL_DSN: database, CRYPTO_SECRET: 'a secret of two nodes', YUMEN_LOG_LEVEL: 'info', ...env }
  nodes = [await startTestGateway({ yaml, env: all }), await startTestGateway({ yaml, env: all })]
  const isPair = (text: string | undefined) => text?.includes('yumen_live_nodes 2') === true
  for (const { url } of nodes) await eventually(async () => (await fetch(`${url}/metrics`)).text(), isPair)
}

async function stopNodes(): Promise<void> {
  const statuses = await Promise.all(nodes.map(node => node.stop()))
  const printed = nodes.map(node => node.output()).join('\n')
  for (const node of nodes) await node.remove()
  nodes = []
  expect(statuses, printed).toEqual([0, 0])
}

const urlOf = (index: number) => nodes[index % nodes.length]?.url ?? ''

/** Asks the nodes in turn; answers how many requests were admitted. */
async function admitted(name: keyof typeof limited, count: number): Promise<number> {
  let passed = 0
  for (let index = 0; index < count; index++)
    if ((await ask(urlOf(index), question(name))).status === 200) passed++
  return passed
}

describe.skipIf(!hasPostgres())('two nodes over one database', () => {
  beforeAll(async () => {
    simulator = await startSimulator({ port: 0 })
    let address = inject('postgresAddress')
    if (address === undefined) {
      own = await startPostgres()
      address = own?.address
    }
    if (address === undefined) throw new Error('PostgreSQL does not start')
    database = await createDatabase(address)
  })
  afterAll(async () => {
    await simulator.close()
    await own?.stop()
  })

  describe('without Redis', () => {
    beforeAll(() => startNodes({}))
    afterAll(stopNodes)

    test('have half of a limit each', async () => {
      const first = []
      for (let count = 0; count < 5; count++) first.push((await ask(urlOf(0), question('alone'))).status)
      expect(first).toEqual([200, 200, 200, 429, 429])
      expect((await ask(urlOf(1), question('alone'))).status).toBe(200)
    })
  })

  describe.skipIf(!hasRedis())('with Redis', () => {
    let redis: TestRedis
    beforeAll(async () => {
      redis = await startRedis()
      await startNodes({ REDIS_CONN_STRING: redis.url })
    })
    afterAll(async () => {
      await stopNodes()
      await redis.stop()
    })
    const isUp = (value: 0 | 1) => (text: string | undefined) =>
      text?.includes(`yumen_redis_up ${value}`) === true
    async function untilRedis(value: 0 | 1): Promise<void> {
      for (const { url } of nodes)
        await eventually(async () => (await fetch(`${url}/metrics`)).text(), isUp(value), 10_000)
    }

    test('share one limit', async () => {
      await untilRedis(1)
      const whole = []
      for (let count = 0; count < 4; count++) whole.push((await ask(urlOf(0), question('shared'))).status)
      expect(whole).toEqual([200, 200, 200, 200])
      expect(await admitted('shared', 6)).toBe(2)
      const refused = await ask(urlOf(1), question('shared'))
      expect([refused.status, refused.headers['x-ratelimit-limit-requests']]).toEqual([429, '6'])
    })

    test('share places: a stream on one node fills that of the other', async () => {
      const slow = { ...question('seats'), model: 'sim-slow', isStreaming: true }
      const stream = startAsking(urlOf(0), slow)
      await eventually(
        () => stream.text(),
        text => text !== undefined && text.length > 0,
      )
      expect((await ask(urlOf(1), question('seats'))).status).toBe(429)
      expect((await stream.answer).isWhole).toBe(true)
      await eventually(
        () => ask(urlOf(1), question('seats')),
        answer => answer?.status === 200,
      )
    })

    test('go on by themselves while Redis is dead, within the same limit, and share again when it is back', async () => {
      // Two of six are taken through Redis, by the first node: its own part of three has one left then.
      for (let count = 0; count < 2; count++)
        expect((await ask(urlOf(0), question('outage'))).status).toBe(200)
      await redis.kill()
      const alone = [[], []] as number[][]
      for (let count = 0; count < 4; count++)
        for (const index of [0, 1]) alone[index]?.push((await ask(urlOf(index), question('outage'))).status)
      expect(alone).toEqual([
        [200, 429, 429, 429],
        [200, 200, 200, 429],
      ])
      await untilRedis(0)
      await redis.restart()
      await untilRedis(1)
      // The new Redis is empty: one whole limit, for both together.
      let passed = 0
      await eventually(
        async () => {
          passed += await admitted('outage', 2)
          return passed
        },
        count => count === 6,
      )
      expect(await admitted('outage', 4)).toBe(0)
      const printed = (node: TestGateway, words: RegExp) => node.output().match(words)?.length ?? 0
      for (const node of nodes) {
        await eventually(
          () => printed(node, /Redis is back/g),
          count => count === 1,
        )
        expect(printed(node, /Redis is away/g)).toBe(1)
      }
    })
  })
})
