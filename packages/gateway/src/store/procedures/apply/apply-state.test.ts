import { inspect } from 'node:util'
import { beforeEach, expect, test } from 'vitest'
import type { DesiredApiKey, DesiredChannel, DesiredState } from '../../../config/desired-state.ts'
import { describeStores } from '../../store-cases.ts'
import type { Store } from '../../types.ts'

const apiKey: DesiredApiKey = {
  user: 'alice',
  name: 'laptop',
  secret: { hash: 'hash-1', hint: 'sk-…1', isGenerated: false },
  models: ['gpt-4o', 'claude-*'],
  denyModels: undefined,
  endpoints: undefined,
  bodyLogging: undefined,
  group: undefined,
  limit: 9_007_199_254_740_993n,
  expiresAt: 1_800_000_000_000,
  allowIps: undefined,
  rateLimit: { requestsPerMinute: 60, concurrency: 8 },
  enabled: undefined,
}

const channel: DesiredChannel = {
  name: 'bailian',
  provider: 'ali',
  baseUrl: 'https://dashscope.example',
  keys: [{ sealed: 'v1.a', fingerprint: 'print-a' }],
  keyMode: undefined,
  models: ['qwen-max'],
  groups: ['default', 'vip'],
  priority: undefined,
  weight: 1,
  modelMapping: { 'qwen-best': 'qwen-max' },
  statusCodeMapping: undefined,
  paramOverride: { temperature: 0.2, top_p: 1 },
  headerOverride: { authorization: 'canary' },
  settings: { proxy: 'socks5://u:canary@host', force_format: true },
  dialect: undefined,
  enabled: undefined,
}

const desired: DesiredState = {
  source: '/etc/yumen.yaml',
  groups: [{ name: 'vip', ratio: '0.8', description: 'Long-term customers' }],
  prices: [{ pattern: 'gpt-4o', rates: { input: '2.50', output: '10' } }],
  users: [
    { username: 'root', role: 'root', group: undefined, balance: undefined, passwordHash: 'canary' },
    { username: 'alice', role: undefined, group: 'vip', balance: 10_000_000_000n, passwordHash: undefined },
    { username: 'lab', role: undefined, group: undefined, balance: 'unlimited', passwordHash: undefined },
  ],
  apiKeys: [apiKey],
  channels: [channel],
  options: [{ key: 'relay.retryTimes', value: 3 }],
}

const empty: DesiredState = {
  source: desired.source,
  groups: [],
  prices: [],
  users: [],
  apiKeys: [],
  channels: [],
  options: [],
}

describeStores('applyState', stores => {
  let store: Store
  beforeEach(async () => {
    store = await stores.open(await stores.fresh())
  })

  async function apply(state: DesiredState, how: { prune?: boolean; dryRun?: boolean; now?: number } = {}) {
    const { prune = false, dryRun = false, now = 1_000 } = how
    return (await store.run('applyState', { desired: state, prune, dryRun, now })).changes
  }
  const revisions = () => store.run('readRevisions', {})
  const brief = (changes: Awaited<ReturnType<typeof apply>>) =>
    changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`)

  test('a file makes everything that it names, with defaults for what it leaves out', async () => {
    expect(brief(await apply(desired))).toEqual([
      'create group vip',
      'create price gpt-4o',
      'create user root',
      'create user alice',
      'create user lab',
      'create apiKey alice/laptop',
      'create channel bailian',
      'create option relay.retryTimes',
    ])
    const users = await (await store.kysely())
      .selectFrom('users')
      .innerJoin('accounts', 'accounts.id', 'users.account_id')
      .select([
        'users.id',
        'username',
        'role',
        'group_name',
        'kind',
        'balance_nusd',
        'available_nusd',
        'revision',
      ])
      .orderBy('users.id')
      .execute()
    const none = { balance_nusd: 0n, available_nusd: 0n, revision: 2 }
    expect(users).toEqual([
      { id: 1_000_001, username: 'root', role: 'root', group_name: 'default', kind: 'tracked', ...none },
      {
        ...{
          id: 1_000_002,
          username: 'alice',
          role: 'user',
          group_name: 'vip',
          kind: 'prepaid',
          revision: 2,
        },
        ...{ balance_nusd: 10_000_000_000n, available_nusd: 10_000_000_000n },
      },
      { id: 1_000_003, username: 'lab', role: 'user', group_name: 'default', kind: 'tracked', ...none },
    ])
    expect(await (await store.kysely()).selectFrom('channels').selectAll().executeTakeFirst()).toMatchObject({
      ...{
        id: 1_000_001,
        key_mode: 'random',
        priority: 0,
        weight: 1,
        enabled: 1,
        groups: '["default","vip"]',
      },
      ...{ dialect: null, param_override: '{"temperature":0.2,"top_p":1}', revision: 2 },
    })
    expect(await (await store.kysely()).selectFrom('api_keys').selectAll().executeTakeFirst()).toMatchObject({
      ...{
        id: 1_000_001,
        status: 'enabled',
        limit_nusd: 9_007_199_254_740_993n,
        spent_nusd: 0n,
        deny_models: null,
      },
      ...{ body_logging: 0, rate_limit: '{"concurrency":8,"requestsPerMinute":60}', revision: 2 },
    })
    expect(await revisions()).toMatchObject({ configuration: 2, keys: 2 })
  })

  test('a second apply changes nothing', async () => {
    await apply(desired)
    const resealed = { ...channel, keys: [{ sealed: 'v1.b', fingerprint: 'print-a' }] }
    const reordered = { ...resealed, paramOverride: { top_p: 1, temperature: 0.2 } }
    const madeAgain = { ...apiKey, secret: { hash: 'other', hint: 'x', isGenerated: true } }
    const again = { ...desired, channels: [reordered], apiKeys: [madeAgain] }
    expect(await apply(again, { prune: true, now: 2_000 })).toEqual([])
    expect(await revisions()).toMatchObject({ configuration: 2, keys: 2 })
  })

  test('a secret that is sealed anew is the same secret; another one is a change', async () => {
    const secretsOf = (seal: string, print: string): DesiredState => ({
      ...desired,
      channels: [
        {
          ...channel,
          headerOverride: { authorization: { sealed: seal, fingerprint: print }, 'x-tenant': 'acme' },
          settings: { proxy: { sealed: seal, fingerprint: print } },
        },
      ],
    })
    await apply(secretsOf('v1.a', 'print-a'))
    expect(await apply(secretsOf('v1.b', 'print-a'), { now: 2_000 })).toEqual([])
    const changes = await apply(secretsOf('v1.c', 'print-c'), { now: 3_000 })
    expect(changes.map(({ fields }) => Object.keys(fields))).toEqual([['headerOverride', 'settings']])
    expect(JSON.stringify(changes)).not.toMatch(/v1\.|print-/)
  })

  test('only named members that differ change, and their rows carry the new revision', async () => {
    await apply(desired)
    const changed = {
      ...{ ...channel, weight: 2, keys: [{ sealed: 'v1.c', fingerprint: 'print-c' }], baseUrl: undefined },
      headerOverride: { authorization: 'canary-2' },
    }
    expect(await apply({ ...empty, channels: [changed] }, { now: 5_000 })).toEqual([
      {
        action: 'update',
        kind: 'channel',
        name: 'bailian',
        fields: {
          weight: [1, 2],
          headerOverride: [{ authorization: '…' }, { authorization: '…' }],
          keys: [['…'], ['…']],
        },
      },
    ])
    const row = await (await store.kysely()).selectFrom('channels').selectAll().executeTakeFirst()
    expect(row).toMatchObject({
      weight: 2,
      base_url: channel.baseUrl,
      revision: 3,
      updated_at: 5_000,
      created_at: 1_000,
    })
    expect(
      await (await store.kysely()).selectFrom('channel_keys').select(['position', 'fingerprint']).execute(),
    ).toEqual([{ position: 0, fingerprint: 'print-c' }])
    expect(await revisions()).toMatchObject({ configuration: 3, keys: 2 })
  })

  test('balance and password apply at creation only, role and group at any time', async () => {
    await apply(desired)
    const alice = {
      username: 'alice',
      role: 'admin',
      group: 'default',
      balance: 1n,
      passwordHash: 'new',
    } as const
    const changes = await apply({ ...empty, users: [alice] })
    expect(changes.map(change => change.fields)).toEqual([
      { role: ['user', 'admin'], group: ['vip', 'default'] },
    ])
    const row = await (await store.kysely())
      .selectFrom('users')
      .selectAll()
      .where('username', '=', 'alice')
      .executeTakeFirst()
    expect(row).toMatchObject({ role: 'admin', group_name: 'default', password_hash: null })
  })

  test('a key of the file replaces the one of that name, unless another key has it', async () => {
    await apply(desired)
    const replaced = { ...apiKey, limit: 5n, secret: { hash: 'hash-2', hint: 'sk-…2', isGenerated: false } }
    const changes = await apply({ ...empty, apiKeys: [replaced] })
    expect(changes.map(change => change.fields)).toEqual([{ key: ['…', '…'], limit: [apiKey.limit, 5n] }])
    const twin = { ...replaced, name: 'desk' }
    await expect(apply({ ...empty, apiKeys: [twin] })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('apiKeys[0].key'),
    })
  })

  test('other rates close the version in force and open a new one', async () => {
    await apply(desired)
    const prices = [{ pattern: 'gpt-4o', rates: { input: '2', output: '10' } }]
    const changes = await apply({ ...empty, prices }, { now: 7_000 })
    expect(changes[0]?.fields).toEqual({
      rates: [
        { input: '2.50', output: '10' },
        { input: '2', output: '10' },
      ],
    })
    const rows = await (await store.kysely())
      .selectFrom('price_versions')
      .select(['id', 'rates', 'valid_from', 'valid_to'])
      .orderBy('id')
      .execute()
    expect(rows).toEqual([
      { id: 1, rates: '{"input":"2.50","output":"10"}', valid_from: 1_000, valid_to: 7_000 },
      { id: 2, rates: '{"input":"2","output":"10"}', valid_from: 7_000, valid_to: null },
    ])
  })

  test('a dry run answers the same changes and keeps none', async () => {
    const told = await apply(desired, { dryRun: true })
    expect(await revisions()).toMatchObject({ configuration: 1, keys: 1 })
    expect(await (await store.kysely()).selectFrom('users').select('id').execute()).toEqual([])
    expect(await apply(desired)).toEqual(told)
  })

  test('no secret is in what is printed', async () => {
    expect(inspect(await apply(desired), { depth: 9 })).not.toContain('canary')
  })

  test('prune removes what this file made and no longer names, and nothing else', async () => {
    await apply({ ...empty, source: 'other', options: [{ key: 'relay.pingIntervalMs', value: 5 }] })
    await apply(desired)
    const rest = { ...desired, apiKeys: [], channels: [], prices: [], options: [], groups: [] }
    const [root] = desired.users
    const state = { ...rest, users: root === undefined ? [] : [root] }
    expect(brief(await apply(state, { prune: true, now: 9_000 }))).toEqual([
      'remove option relay.retryTimes',
      'remove channel bailian',
      'remove apiKey alice/laptop',
      'remove user alice',
      'remove user lab',
      'remove price gpt-4o',
      'remove group vip',
    ])
    expect(await (await store.kysely()).selectFrom('options').select('key').execute()).toEqual([
      { key: 'relay.pingIntervalMs' },
    ])
    const alice = await (await store.kysely())
      .selectFrom('users')
      .selectAll()
      .where('username', '=', 'alice')
      .executeTakeFirst()
    expect(alice).toMatchObject({ status: 'disabled', group_name: 'default' })
    const price = await (await store.kysely())
      .selectFrom('price_versions')
      .select('valid_to')
      .executeTakeFirst()
    expect(price).toEqual({ valid_to: 9_000 })
    expect(await (await store.kysely()).selectFrom('channel_keys').selectAll().execute()).toEqual([])
    expect(await apply(state, { prune: true })).toEqual([])
  })

  test('a user whom prune disabled comes back with the file, not one whom an admin disabled', async () => {
    await apply(desired)
    await apply(
      { ...desired, apiKeys: [], users: desired.users.filter(user => user.username !== 'alice') },
      { prune: true },
    )
    const changes = await apply(desired)
    expect(changes.find(change => change.name === 'alice')?.fields).toEqual({
      status: ['disabled', 'enabled'],
    })
    await store.run('updateUser', { username: 'alice', status: 'disabled', now: 1 })
    expect(await apply(desired)).toEqual([])
  })

  test.each([
    {
      says: 'a user in an unknown group',
      state: { users: [{ ...desired.users[1], username: 'x', group: 'vup' }] },
      path: 'users[0].group',
    },
    {
      says: 'a key of an unknown user',
      state: { apiKeys: [{ ...apiKey, user: 'bob' }] },
      path: 'apiKeys[0].user',
    },
    {
      says: 'a channel for an unknown group',
      state: { channels: [{ ...channel, groups: ['default', 'vup'] }] },
      path: 'channels[0].groups[1]',
    },
    { says: 'a name that comes twice', state: { channels: [channel, channel] }, path: 'channels[1]' },
  ])('$says is refused with its path, and nothing is applied', async ({ state, path }) => {
    const wrong = { ...desired, ...state } as DesiredState
    await expect(apply(wrong)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(path),
    })
    expect(await revisions()).toMatchObject({ configuration: 1, keys: 1 })
  })

  test('prune refuses to take a group from those who use it, and the last root his rights', async () => {
    await apply(desired)
    await store.run('updateUser', { username: 'lab', group: 'vip', now: 1 })
    const users = desired.users.filter(user => user.username !== 'alice')
    const without = { ...desired, groups: [], channels: [], apiKeys: [], users }
    await expect(apply(without, { prune: true })).rejects.toThrow(/groups\.vip: cannot go, user lab/)
    await expect(apply({ ...desired, users: [], apiKeys: [] }, { prune: true })).rejects.toThrow(
      /last enabled root/,
    )
  })
})
