import { plainUsage } from '@yumen/protocol'
import { beforeAll, expect, test } from 'vitest'
import { describeStores } from '../store/store-cases.ts'
import type { Store } from '../store/types.ts'
import { findRequest, firstIdAt, listRequests, type RequestFilter, usageByHour } from './queries.ts'

const hour = 3_600_000
const noon = 500_000 * hour

interface Told {
  readonly minute: number
  readonly model?: string
  readonly account?: number
  readonly outcome?: string
}

const idOf = ({ minute, account = 1 }: Told) =>
  `${firstIdAt(noon + minute * 60_000).slice(0, 22)}000${account}`

function line(told: Told, seq: number): string {
  const { minute, model = 'gpt-4o', account = 1, outcome = 'ok' } = told
  const facts = {
    ...{ id: idOf(told), time: noon + minute * 60_000, accountId: account, apiKeyId: 1_000_000 + account },
    ...{
      group: 'default',
      dialect: 'openai-chat',
      operation: 'chat',
      isStreaming: false,
      model,
      attempts: [],
    },
    ...{ channelId: 7, usage: plainUsage(10, 2), source: 'upstream' },
  }
  const timings = { authenticated: 0, bodyRead: 0, planned: 0, ended: 1 }
  const charge = { amount: '9007199254740993', ratio: '1' }
  return JSON.stringify({
    seq,
    record: { kind: 'settled', facts, charge, class: outcome, status: 200, timings },
  })
}

describeStores('requests', stores => {
  let store: Store
  let mark = 0
  async function commit(requests: readonly Told[]): Promise<void> {
    const lines = requests.map((told, index) => line(told, mark + index + 1))
    const marks = { markBefore: mark, markAfter: mark + requests.length }
    await store.run('commitBatch', { nodeId: 'n', ...marks, records: [Buffer.from(lines.join('\n'))] })
    mark = marks.markAfter
  }

  /** Ten hours, one request each two minutes; `rare` and `failed` in hours 3 and 4 only. */
  beforeAll(async () => {
    store = await stores.open(await stores.fresh())
    await store.run('startNode', { id: 'n', epoch: 1, now: 1, heartbeatUntil: 2 })
    const requests = Array.from(
      { length: 300 },
      (_, index): Told => ({ minute: index * 2, account: (index % 3) + 1 }),
    )
    await commit(requests)
    await commit([
      { minute: 181, model: 'rare' },
      { minute: 239, model: 'rare' },
      { minute: 241, outcome: 'overloaded' },
    ])
  })

  /** All pages of a filter, at most 50 of them. */
  async function all(filter: RequestFilter, limit = 20, limits?: Parameters<typeof listRequests>[2]) {
    const ids: string[] = []
    let pages = 0
    let after: string | undefined
    do {
      const page = await listRequests(await store.kysely(), { ...filter, after, limit }, limits)
      ids.push(...page.items.map(item => item.id))
      after = page.next
      pages += 1
    } while (after !== undefined && pages < 50)
    return { ids, pages }
  }

  test('a request is found with its charge', async () => {
    const entry = await findRequest(await store.kysely(), idOf({ minute: 0 }))
    expect(entry).toMatchObject({
      account_id: 1,
      class: 'ok',
      amount_nusd: 9_007_199_254_740_993n,
      ratio: '1',
    })
    expect(await findRequest(await store.kysely(), 'nothing')).toBeUndefined()
  })

  test('pages go from the newest to the oldest, each request once', async () => {
    const { ids } = await all({})
    expect(ids).toHaveLength(303)
    expect(ids).toEqual([...ids].sort().reverse())
    expect(new Set(ids).size).toBe(303)
  })

  test('account and time bound a list', async () => {
    const { ids } = await all({ accountId: 2, since: noon + hour, until: noon + 2 * hour })
    expect(ids).toHaveLength(10)
    expect(ids.every(id => id.endsWith('2'))).toBe(true)
  })

  test('what arrives while pages are turned moves nothing', async () => {
    const first = await listRequests(await store.kysely(), { accountId: 3, limit: 5 })
    await commit([{ minute: 700, account: 3 }])
    const second = await listRequests(await store.kysely(), { accountId: 3, limit: 5, after: first.next })
    const again = await listRequests(await store.kysely(), { accountId: 3, limit: 11 })
    expect(again.items.slice(1).map(item => item.id)).toEqual(
      [...first.items, ...second.items].map(item => item.id),
    )
  })

  test.each([
    { says: 'a model', filter: { model: 'rare' }, count: 2 },
    { says: 'a failure', filter: { class: 'overloaded' }, count: 1 },
    { says: 'a key within a time', filter: { apiKeyId: 1_000_002, until: noon + hour }, count: 10 },
    { says: 'a channel that nobody used', filter: { channelId: 8 }, count: 0 },
    { says: 'a model of one account', filter: { model: 'rare', accountId: 2 }, count: 0 },
  ])('a scan finds $says', async ({ filter, count }) => {
    expect((await all(filter)).ids).toHaveLength(count)
    expect((await all(filter, 1)).ids).toHaveLength(count)
  })

  test('a scan whose time is over says how far it came and goes on from there', async () => {
    let now = 0
    const clock = () => {
      now += 150
      return now
    }
    const limits = { scanMs: 200, sliceRows: 10, clock }
    const page = await listRequests(await store.kysely(), { model: 'rare', limit: 5 }, limits)
    expect(page.scannedTo).toBeGreaterThan(noon + 3 * hour)
    expect(page.next).toBeDefined()
    const { ids, pages } = await all({ model: 'rare' }, 5, limits)
    expect(ids).toHaveLength(2)
    expect(pages).toBeGreaterThan(1)
  })

  test('hours without a match are not looked at', async () => {
    let looks = 0
    const clock = () => {
      looks += 1
      return 0
    }
    await listRequests(await store.kysely(), { model: 'rare', limit: 5 }, { scanMs: 1, sliceRows: 20, clock })
    expect(looks).toBeLessThanOrEqual(4)
  })

  test('usage by hour adds up exactly', async () => {
    const hours = await usageByHour(await store.kysely(), {
      accountId: 2,
      since: noon,
      until: noon + 2 * hour,
    })
    const sums = { requests: 10, failures: 0, input_tokens: 100, output_tokens: 20, cached_tokens: 0 }
    expect(hours).toEqual([
      { hour: noon, ...sums, amount_nusd: 90_071_992_547_409_930n },
      { hour: noon + hour, ...sums, amount_nusd: 90_071_992_547_409_930n },
    ])
  })
})
