import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStore, type Store } from '#store'
import type { DesiredState } from '../config/desired-state.ts'
import { createSealer } from './sealing.ts'
import { loadSnapshot } from './snapshot.ts'

let folder: string
let store: Store
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'yumen-snapshot-'))
  store = await openStore({ sqlitePath: join(folder, 'yumen.db'), migrate: true })
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

const sealerOf = (fill: number) =>
  createSealer({ bytes: Buffer.alloc(32, fill), origin: 'CRYPTO_SECRET', advice: 'put it back' })

async function applyChannel(
  sealed: readonly string[],
  more: Partial<DesiredState['channels'][number]> = {},
  options: DesiredState['options'] = [],
) {
  const unnamed = {
    baseUrl: undefined,
    keyMode: undefined,
    groups: undefined,
    priority: undefined,
    weight: undefined,
    modelMapping: undefined,
    statusCodeMapping: undefined,
    paramOverride: undefined,
    headerOverride: undefined,
    settings: undefined,
    dialect: undefined,
    enabled: undefined,
  }
  const keys = sealed.map(text => ({ sealed: text, fingerprint: text.slice(-16) }))
  const desired: DesiredState = {
    source: 'test',
    groups: [],
    prices: [],
    users: [],
    apiKeys: [],
    channels: [{ ...unnamed, name: 'first', provider: 'openai', keys, models: ['gpt-4o'], ...more }],
    options,
  }
  await store.run('applyState', { desired, prune: false, dryRun: false, now: 1_000 })
}

async function load() {
  const broken: Error[] = []
  const snapshot = await loadSnapshot({
    store,
    sealer: sealerOf(1),
    optionDefaults: {},
    now: 2_000,
    onBroken: error => broken.push(error),
  })
  const [channel] = snapshot.channelsOf('default', 'gpt-4o')
  return { broken, channel, keys: channel?.keys.map(key => key.secret) }
}

test('a channel whose keys were sealed with another secret stays, without keys, and is named once', async () => {
  await applyChannel(['a', 'b'].map(key => sealerOf(2).seal(key, 'channel-key')))
  const { broken, keys } = await load()
  expect(keys).toEqual([])
  expect(broken.map(error => error.message)).toEqual([
    'channel first: a sealed value does not open with the secret of CRYPTO_SECRET: put it back',
  ])
  expect(broken[0]?.stack).toBeUndefined()
})

test('the keys that open are used', async () => {
  await applyChannel([sealerOf(2).seal('a', 'channel-key'), sealerOf(1).seal('b', 'channel-key')])
  const { broken, keys } = await load()
  expect(keys).toEqual(['b'])
  expect(broken).toHaveLength(1)
})

const settingsSealedBy = (fill: number) => {
  const seal = (text: string) => ({ sealed: sealerOf(fill).seal(text, 'channel-key'), fingerprint: 'print' })
  return { settings: { proxy: seal('http://u:p@proxy') }, headerOverride: { 'x-key': seal('canary') } }
}

test('secrets in settings and headers are opened', async () => {
  await applyChannel([sealerOf(1).seal('a', 'channel-key')], settingsSealedBy(1))
  const { broken, channel } = await load()
  expect(broken).toEqual([])
  expect(channel?.settings).toEqual({ proxy: 'http://u:p@proxy' })
  expect(channel?.overrides?.headers?.entries).toEqual([['x-key', { kind: 'text', pieces: ['canary'] }]])
})

test('a channel whose proxy does not open is never asked without it', async () => {
  await applyChannel([sealerOf(1).seal('a', 'channel-key')], settingsSealedBy(2))
  const { broken, keys } = await load()
  expect(keys).toEqual([])
  expect(broken.map(error => error.message)).toEqual([expect.stringContaining('does not open')])
})

test('a channel whose stored override is malformed is left out and named', async () => {
  await applyChannel([sealerOf(1).seal('a', 'channel-key')], {
    paramOverride: { operations: [{ mode: 'sett' }] },
  })
  const { broken, channel } = await load()
  expect(channel).toBeUndefined()
  expect(broken.map(error => error.message)).toEqual([
    expect.stringContaining('channel first: paramOverride.operations.0.mode is malformed'),
  ])
})

test('a channel without overrides has none, until the option that passes all bodies through', async () => {
  const keys = [sealerOf(1).seal('a', 'channel-key')]
  await applyChannel(keys)
  expect((await load()).channel?.overrides).toBeUndefined()
  await applyChannel(keys, {}, [{ key: 'global.pass_through_request_enabled', value: true }])
  expect((await load()).channel?.overrides).toMatchObject({ passesThrough: true, params: undefined })
})
