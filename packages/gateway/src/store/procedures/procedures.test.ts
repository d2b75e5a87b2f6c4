import { beforeEach, expect, test } from 'vitest'
import { describeStores } from '../store-cases.ts'
import type { Store } from '../types.ts'

const now = 1_000
const ann = {
  username: 'ann',
  role: 'user',
  group: 'default',
  passwordHash: 'phc',
  balance: 5n,
  now,
} as const
const key = {
  username: 'ann',
  name: 'k',
  hash: 'h',
  hint: 'sk-…h',
  group: undefined,
  models: ['a'],
  now,
} as const

describeStores('procedures', stores => {
  let store: Store
  beforeEach(async () => {
    store = await stores.open(await stores.fresh())
  })
  const keysRevision = async () => (await store.run('readRevisions', {})).keys

  test('an installation is made once', async () => {
    const made = await Promise.all(['a', 'b'].map(id => store.run('openInstallation', { id, now })))
    expect(made[0]).toEqual(made[1])
    expect(made[0]?.epoch).toBe(1)
  })

  test('a node lives, beats and ends', async () => {
    expect(await store.run('nodeMark', { id: 'n' })).toBeUndefined()
    const node = { id: 'n', epoch: 1, now, heartbeatUntil: 2_000 }
    await store.run('startNode', node)
    await expect(store.run('startNode', node)).rejects.toMatchObject({ code: 'not_unique' })
    await store.run('startNode', { ...node, id: 'dead', heartbeatUntil: now })
    expect(await store.run('heartbeat', { id: 'n', now, heartbeatUntil: 3_000 })).toEqual({ liveNodes: 1 })
    await store.run('endNode', { id: 'dead' })
    const rows = await (await store.kysely()).selectFrom('nodes').selectAll().execute()
    expect(rows).toEqual([
      { id: 'n', epoch: 1, state: 'live', started_at: now, heartbeat_until: 3_000, mark: 0 },
    ])
    await store.run('endNode', { id: 'n' })
    await expect(store.run('heartbeat', { id: 'n', now, heartbeatUntil: 1 })).rejects.toMatchObject({
      code: 'not_found',
    })
  })

  test('one node leads until it leaves or its time is over', async () => {
    const hold = (node: string, at: number) =>
      store.run('holdLeadership', { name: 'jobs', node, now: at, until: at + 100 })
    const taken = await Promise.all(['a', 'b', 'c'].map(node => hold(node, 1_000)))
    expect(taken.filter(Boolean)).toHaveLength(1)
    const first = ['a', 'b', 'c'][taken.indexOf(true)] ?? ''
    expect(await hold(first, 1_050)).toBe(true)
    expect(await hold('d', 1_149)).toBe(false)
    expect(await hold('d', 1_150)).toBe(true)
    expect(await hold(first, 1_160)).toBe(false)
    await store.run('leaveLeadership', { name: 'jobs', node: first })
    expect(await hold(first, 1_160)).toBe(false)
    await store.run('leaveLeadership', { name: 'jobs', node: 'd' })
    expect(await hold(first, 1_160)).toBe(true)
    expect(await store.run('holdLeadership', { name: 'other', node: 'd', now: 1_160, until: 2_000 })).toBe(
      true,
    )
  })

  test('a user has an account; his name is his alone', async () => {
    expect(await store.run('createUser', ann)).toEqual({ id: 1_000_001, accountId: 1 })
    await expect(store.run('createUser', ann)).rejects.toMatchObject({ code: 'not_unique' })
    const nowhere = { ...ann, username: 'bob', group: 'vup' }
    await expect(store.run('createUser', nowhere)).rejects.toMatchObject({ code: 'invalid' })
    const tracked = { ...ann, username: 'lab', balance: 'unlimited' } as const
    await store.run('createUser', tracked)
    const accounts = await (await store.kysely())
      .selectFrom('accounts')
      .select(['kind', 'balance_nusd'])
      .orderBy('id')
      .execute()
    expect(accounts).toEqual([
      { kind: 'prepaid', balance_nusd: 5n },
      { kind: 'tracked', balance_nusd: 0n },
    ])
    expect(await keysRevision()).toBe(3)
  })

  test('a user changes in what is named, the last root not at all', async () => {
    await store.run('createUser', { ...ann, role: 'root' })
    await store.run('updateUser', { username: 'ann', passwordHash: 'new', now: 2_000 })
    const user = await (await store.kysely()).selectFrom('users').selectAll().executeTakeFirst()
    expect(user).toMatchObject({ password_hash: 'new', role: 'root', updated_at: 2_000, revision: 3 })
    const demote = { username: 'ann', role: 'admin', now } as const
    await expect(store.run('updateUser', demote)).rejects.toMatchObject({ code: 'invalid' })
    await store.run('createUser', { ...ann, username: 'eve', role: 'root' })
    await store.run('updateUser', demote)
    await expect(store.run('updateUser', { username: 'zoe', now })).rejects.toMatchObject({
      code: 'not_found',
    })
  })

  test('an API key is made, changed and removed', async () => {
    await store.run('createUser', ann)
    const { id } = await store.run('createApiKey', { ...key, limit: 2n ** 60n, expiresAt: 9 })
    await store.run('updateApiKey', { id, status: 'disabled', expiresAt: null, now: 2_000 })
    const row = await (await store.kysely()).selectFrom('api_keys').selectAll().executeTakeFirst()
    expect(row).toMatchObject({
      id: 1_000_001,
      status: 'disabled',
      expires_at: null,
      limit_nusd: 2n ** 60n,
      models: '["a"]',
    })
    const again = { ...key, limit: undefined, expiresAt: undefined }
    await expect(store.run('createApiKey', again)).rejects.toMatchObject({ code: 'not_unique' })
    const sameSecret = { ...again, name: 'other' }
    await expect(store.run('createApiKey', sameSecret)).rejects.toMatchObject({ code: 'not_unique' })
    await store.run('removeApiKey', { id, now })
    await expect(store.run('removeApiKey', { id, now })).rejects.toMatchObject({ code: 'not_found' })
    await expect(store.run('updateApiKey', { id, now })).rejects.toMatchObject({ code: 'not_found' })
    expect(await keysRevision()).toBe(5)
  })

  test('a channel changes and goes with its keys', async () => {
    const desired = {
      ...{ source: 's', groups: [], prices: [], users: [], apiKeys: [], options: [] },
      channels: [{ name: 'c', provider: 'openai', keys: [{ sealed: 'x', fingerprint: 'y' }] }],
    }
    // Only what is named matters here: the other members of a channel are undefined.
    await store.run('applyState', { desired: desired as never, prune: false, dryRun: false, now })
    await store.run('updateChannel', { name: 'c', enabled: false, weight: 3, now: 2_000 })
    const row = await (await store.kysely()).selectFrom('channels').selectAll().executeTakeFirst()
    expect(row).toMatchObject({ enabled: 0, weight: 3, priority: 0, revision: 3 })
    await store.run('removeChannel', { name: 'c', now })
    expect(await (await store.kysely()).selectFrom('channel_keys').selectAll().execute()).toEqual([])
    await expect(store.run('removeChannel', { name: 'c', now })).rejects.toMatchObject({ code: 'not_found' })
    await expect(store.run('updateChannel', { name: 'c', now })).rejects.toMatchObject({ code: 'not_found' })
  })

  test('a failed procedure leaves nothing behind', async () => {
    await store.run('createUser', ann)
    const before = await keysRevision()
    await expect(store.run('createUser', ann)).rejects.toThrow()
    expect(await keysRevision()).toBe(before)
  })

  test('old requests go in slices, the oldest first', async () => {
    const database = await stores.fresh()
    const other = await stores.open(database)
    const rows = ['A', 'B', 'C', 'D'].map(id => `('${id}', 1, 1, 'm', NULL, 'ok', 200, '{}')`)
    await stores.tamper(database, `INSERT INTO requests VALUES ${rows.join(', ')}`)
    expect(await other.run('removeOldRequests', { beforeId: 'D', limit: 2 })).toBe(2)
    expect(await (await other.kysely()).selectFrom('requests').select('id').orderBy('id').execute()).toEqual([
      { id: 'C' },
      { id: 'D' },
    ])
    expect(await other.run('removeOldRequests', { beforeId: 'D', limit: 2 })).toBe(1)
    expect(await other.run('removeOldRequests', { beforeId: 'D', limit: 2 })).toBe(0)
  })
})
