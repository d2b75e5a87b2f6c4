import { beforeAll, expect, test } from 'vitest'
import type { Store } from '#store'
import type { DesiredChannel, DesiredState } from '../config/desired-state.ts'
import { describeStores } from '../store/store-cases.ts'
import {
  readChannelHeads,
  readChannelKeyRows,
  readChannelRows,
  readGroupRows,
  readOptionRows,
  readPriceRows,
} from './queries.ts'

const channel: DesiredChannel = {
  name: 'first',
  provider: 'ali',
  baseUrl: undefined,
  keys: ['a', 'b'].map(key => ({ sealed: `v1.${key}`, fingerprint: `print-${key}` })),
  keyMode: 'polling',
  models: ['qwen-max'],
  groups: ['default'],
  priority: 7,
  weight: 2,
  modelMapping: { 'qwen-best': 'qwen-max' },
  statusCodeMapping: undefined,
  paramOverride: undefined,
  headerOverride: undefined,
  settings: { proxy: '' },
  dialect: undefined,
  enabled: false,
}

const desired: DesiredState = {
  source: 'test',
  groups: [{ name: 'vip', ratio: '0.8', description: undefined }],
  prices: [{ pattern: 'qwen-*', rates: { input: '2.50' } }],
  users: [],
  apiKeys: [],
  channels: [channel, { ...channel, name: 'second', keys: [{ sealed: 'v1.c', fingerprint: 'print-c' }] }],
  options: [{ key: 'relay.retryTimes', value: 2 }],
}

describeStores('what a snapshot reads', stores => {
  let store: Store
  let ids: number[]
  beforeAll(async () => {
    store = await stores.open(await stores.fresh())
    await store.run('applyState', { desired, prune: false, dryRun: false, now: 1_000 })
    const heads = await readChannelHeads(store.query)
    ids = heads.map(head => head.id).sort()
  })

  test('options and groups', async () => {
    expect(await readOptionRows(store.query)).toEqual([{ key: 'relay.retryTimes', value: '2' }])
    expect((await readGroupRows(store.query)).toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: 'auto', ratio: '1' },
      { name: 'default', ratio: '1' },
      { name: 'vip', ratio: '0.8' },
    ])
  })

  test('the prices in force at a time', async () => {
    const changed = { ...desired, prices: [{ pattern: 'qwen-*', rates: { input: '3' } }] }
    await store.run('applyState', { desired: changed, prune: false, dryRun: false, now: 2_000 })
    const ratesAt = async (now: number) => (await readPriceRows(store.query, now)).map(row => row.rates)
    expect(await ratesAt(999)).toEqual([])
    expect(await ratesAt(1_000)).toEqual(['{"input":"2.50"}'])
    expect(await ratesAt(1_999)).toEqual(['{"input":"2.50"}'])
    expect(await ratesAt(2_000)).toEqual(['{"input":"3"}'])
    expect(await readPriceRows(store.query, 2_000)).toEqual([
      { id: expect.any(Number), pattern: 'qwen-*', rates: '{"input":"3"}' },
    ])
  })

  test('channels by their ids, and those alone', async () => {
    const { configuration } = await store.run('readRevisions', {})
    const heads = await readChannelHeads(store.query)
    expect(heads.every(head => head.revision <= configuration)).toBe(true)
    expect((await readChannelRows(store.query, ids)).map(row => row.name).sort()).toEqual(['first', 'second'])
    expect(await readChannelRows(store.query, ids.slice(0, 1))).toEqual([
      {
        id: ids[0],
        name: 'first',
        provider: 'ali',
        base_url: null,
        key_mode: 'polling',
        models: '["qwen-max"]',
        groups: '["default"]',
        priority: 7,
        weight: 2,
        model_mapping: '{"qwen-best":"qwen-max"}',
        status_code_mapping: null,
        param_override: null,
        header_override: null,
        settings: '{"proxy":""}',
        dialect: null,
        enabled: 0,
        revision: heads.find(head => head.id === ids[0])?.revision,
      },
    ])
  })

  test('keys of channels in their order', async () => {
    const rows = await readChannelKeyRows(store.query, ids)
    expect(rows.map(({ position, sealed }) => [position, sealed])).toEqual([
      [0, 'v1.a'],
      [1, 'v1.b'],
      [0, 'v1.c'],
    ])
    expect(rows[0]).toEqual({ channel_id: ids[0], position: 0, sealed: 'v1.a', fingerprint: 'print-a' })
  })
})
