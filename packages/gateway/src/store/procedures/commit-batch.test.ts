import { beforeEach, expect, test } from 'vitest'
import type { JournalRecord, NumberedRecord, RequestFacts, SettledRecord } from '../../journal/record.ts'
import { describeStores } from '../store-cases.ts'
import type { Store } from '../types.ts'

const hour = 3_600_000
const noon = 500_000 * hour

const facts: RequestFacts = {
  id: '01M3250V00000000000000000A',
  time: noon + 5,
  accountId: 1,
  apiKeyId: 1_000_001,
  group: 'default',
  dialect: 'openai-chat',
  operation: 'chat',
  isStreaming: false,
  model: 'gpt-4o',
  channelId: 7,
  attempts: [],
  usage: { input: 100, output: 20, cacheRead: 60, cacheWrite: { '5m': 3 } },
  source: 'upstream',
}

type Change = Partial<Omit<SettledRecord, 'facts' | 'kind'>> & { readonly facts?: Partial<RequestFacts> }

function settled(change: Change = {}): SettledRecord {
  return {
    kind: 'settled',
    charge: { amount: '250', priceVersion: 3, ratio: '1' },
    class: 'ok',
    status: 200,
    timings: { authenticated: 0, bodyRead: 1, planned: 1, ended: 9 },
    ...change,
    facts: { ...facts, ...change.facts },
  }
}

function batch(records: readonly JournalRecord[], markBefore = 0) {
  const numbered = records.map((record, index): NumberedRecord => ({ seq: markBefore + index + 1, record }))
  const text = numbered.map(record => `${JSON.stringify(record)}\n`).join('')
  return { nodeId: 'node', markBefore, markAfter: markBefore + records.length, records: [Buffer.from(text)] }
}

describeStores('commitBatch', stores => {
  let store: Store
  beforeEach(async () => {
    store = await stores.open(await stores.fresh())
    await store.run('startNode', { id: 'node', epoch: 1, now: 1, heartbeatUntil: 2 })
    const user = { username: 'ann', role: 'user', group: 'default', passwordHash: undefined, now: 1 } as const
    await store.run('createUser', { ...user, balance: 9_007_199_254_740_993n })
    const key = { name: 'k', hash: 'h', hint: 'i', group: undefined, models: undefined } as const
    await store.run('createApiKey', {
      ...key,
      username: 'ann',
      limit: undefined,
      expiresAt: undefined,
      now: 1,
    })
  })

  const account = async () =>
    (await store.kysely())
      .selectFrom('accounts')
      .select(['balance_nusd', 'available_nusd', 'spent_nusd'])
      .where('id', '=', 1)
      .executeTakeFirst()

  test('a settled request becomes rows, sums and a mark, money exact beyond 2^53', async () => {
    expect(await store.run('commitBatch', batch([settled()]))).toBe('committed')
    expect(await account()).toEqual({
      balance_nusd: 9_007_199_254_740_743n,
      available_nusd: 9_007_199_254_740_743n,
      spent_nusd: 250n,
    })
    const key = await (await store.kysely())
      .selectFrom('api_keys')
      .select(['id', 'spent_nusd'])
      .executeTakeFirst()
    expect(key).toEqual({ id: 1_000_001, spent_nusd: 250n })
    const charge = await (await store.kysely()).selectFrom('charges').selectAll().executeTakeFirst()
    expect(charge).toMatchObject({
      id: facts.id,
      part: 0,
      seq: 1,
      price_version: 3,
      ratio: '1',
      amount_nusd: 250n,
    })
    expect(JSON.parse(charge?.packed ?? '')).toEqual({
      model: 'gpt-4o',
      usage: { input: 100, output: 20, cacheRead: 60, cacheWrite: { '5m': 3 } },
      source: 'upstream',
    })
    const request = await (await store.kysely()).selectFrom('requests').selectAll().executeTakeFirst()
    expect(request).toMatchObject({
      id: facts.id,
      account_id: 1,
      model: 'gpt-4o',
      channel_id: 7,
      class: 'ok',
    })
    expect(JSON.parse(request?.packed ?? '')).not.toHaveProperty('accountId')
    expect(await store.run('nodeMark', { id: 'node' })).toBe(1)
  })

  test('rollups add up by hour, account, key, channel and model', async () => {
    const other = { facts: { id: 'B', time: noon + hour } }
    const failed = { class: 'overloaded', status: 503, facts: { id: 'C' } }
    const gone = { class: 'client_gone', facts: { id: 'D' } }
    await store.run('commitBatch', batch([settled(), settled(other), settled(failed)]))
    await store.run('commitBatch', batch([settled(gone)], 3))
    const rows = await (await store.kysely()).selectFrom('usage_hourly').selectAll().orderBy('hour').execute()
    const key = { account_id: 1, api_key_id: 1_000_001, channel_id: 7, model: 'gpt-4o' }
    const sums = (count: number) => ({
      requests: count,
      input_tokens: 100 * count,
      output_tokens: 20 * count,
      cached_tokens: 60 * count,
      amount_nusd: 250n * BigInt(count),
    })
    expect(rows).toEqual([
      { ...key, hour: noon, ...sums(3), failures: 1 },
      { ...key, hour: noon + hour, ...sums(1), failures: 0 },
    ])
  })

  test('a batch committed again is stale and changes nothing', async () => {
    await store.run('commitBatch', batch([settled()]))
    expect(await store.run('commitBatch', batch([settled()]))).toBe('stale')
    expect((await account())?.spent_nusd).toBe(250n)
  })

  test('a charge that is there with the same content is skipped, what is new beside it counts', async () => {
    await store.run('commitBatch', batch([settled()]))
    expect(await store.run('commitBatch', batch([settled(), settled({ facts: { id: 'B' } })], 1))).toBe(
      'committed',
    )
    expect((await account())?.spent_nusd).toBe(500n)
    const rollup = await (await store.kysely())
      .selectFrom('usage_hourly')
      .select('requests')
      .executeTakeFirst()
    expect(rollup?.requests).toBe(2)
  })

  test.each([
    {
      says: 'another amount',
      change: { charge: { amount: '251', priceVersion: 3, ratio: '1' } },
      word: 'amount_nusd',
    },
    { says: 'another usage', change: { facts: { usage: { input: 1, output: 1 } } }, word: 'packed' },
    { says: 'another account', change: { facts: { accountId: 2 } }, word: 'account_id' },
  ])('the same charge with $says stops the whole batch', async ({ change, word }) => {
    await store.run('commitBatch', batch([settled()]))
    const conflicting = batch([settled({ facts: { id: 'B' } }), settled(change)], 1)
    await expect(store.run('commitBatch', conflicting)).rejects.toMatchObject({
      code: 'ledger_conflict',
      message: expect.stringContaining(word),
    })
    expect((await account())?.spent_nusd).toBe(250n)
    expect(await store.run('nodeMark', { id: 'node' })).toBe(1)
  })

  test('one id twice in a batch counts once', async () => {
    await store.run('commitBatch', batch([settled(), settled()]))
    expect((await account())?.spent_nusd).toBe(250n)
  })

  test('progress only moves the mark', async () => {
    const progress: JournalRecord = { kind: 'progress', facts, charge: { amount: '90', ratio: '1' } }
    expect(await store.run('commitBatch', batch([progress, progress]))).toBe('committed')
    expect((await account())?.spent_nusd).toBe(0n)
    expect(await store.run('nodeMark', { id: 'node' })).toBe(2)
  })

  test.each([
    { says: 'a success of no cost has a charge of 0', class: 'ok', isCounted: false, charges: 1 },
    {
      says: 'a failure after something was delivered has one',
      class: 'upstream_error',
      isCounted: true,
      charges: 1,
    },
    { says: 'a failure of nothing has none', class: 'upstream_error', isCounted: false, charges: 0 },
  ])('$says', async ({ class: outcome, isCounted, charges }) => {
    const { usage, ...bare } = facts
    const record: SettledRecord = {
      ...settled({ class: outcome, charge: { amount: '0', ratio: '1' } }),
      facts: bare,
    }
    const told = isCounted && usage !== undefined ? { ...record, facts: { ...bare, usage } } : record
    await store.run('commitBatch', batch([told]))
    expect(await (await store.kysely()).selectFrom('charges').select('amount_nusd').execute()).toHaveLength(
      charges,
    )
    expect(await (await store.kysely()).selectFrom('requests').select('class').execute()).toEqual([
      { class: outcome },
    ])
  })

  test('what a client named a model is stored whatever bytes it has', async () => {
    const model = `nul\0, quote", brace{}, \\back, lone \uD800, ${'x'.repeat(300)}`
    await store.run('commitBatch', batch([settled({ facts: { model } })]))
    const row = await (await store.kysely()).selectFrom('requests').select('model').executeTakeFirst()
    expect(row?.model).toHaveLength(256)
    expect(row?.model).toContain('quote", brace{}, \\back')
  })

  test('records out of order and unknown nodes are refused', async () => {
    const wrong = { ...batch([settled()]), markBefore: 0, markAfter: 0 }
    await expect(store.run('commitBatch', wrong)).rejects.toMatchObject({ code: 'invalid' })
    const stranger = { ...batch([settled()]), nodeId: 'stranger' }
    await expect(store.run('commitBatch', stranger)).rejects.toMatchObject({ code: 'not_found' })
  })

  test('a part of a larger buffer is committed as it is', async () => {
    const { records, ...marks } = batch([settled()])
    const piece = Buffer.concat(records)
    const large = Buffer.concat([Buffer.from('before'), piece, Buffer.from('after')])
    const part = large.subarray(6, 6 + piece.byteLength)
    expect(await store.run('commitBatch', { ...marks, records: [part] })).toBe('committed')
  })

  test('two nodes that commit at once for the same accounts lose nothing', async () => {
    const nodes = ['n1', 'n2', 'n3']
    for (const id of nodes) await store.run('startNode', { id, epoch: 1, now: 1, heartbeatUntil: 2 })
    const ids = Array.from({ length: 20 }, (_, index) => index)
    const commits = nodes.map(nodeId => {
      const records = ids.map(index =>
        settled({ facts: { id: `${nodeId}-${index}`, accountId: (index % 2) + 1 } }),
      )
      return store.run('commitBatch', { ...batch(records), nodeId })
    })
    expect(await Promise.all(commits)).toEqual(['committed', 'committed', 'committed'])
    expect((await account())?.spent_nusd).toBe(7_500n)
  })
})
