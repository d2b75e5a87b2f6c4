import { expect, test } from 'vitest'
import { describeStores } from '../store/store-cases.ts'
import { readCallerKey } from './caller.ts'
import { findKeyRow } from './queries.ts'

const now = 1_000

describeStores('the key of a caller', stores => {
  test('is found by its hash, with its user, money exact', async () => {
    const store = await stores.open(await stores.fresh())
    const user = { role: 'user', group: 'default', passwordHash: undefined, balance: 0n, now } as const
    await store.run('createUser', { ...user, username: 'ann' })
    const { id: userId } = await store.run('createUser', { ...user, username: 'bob' })
    const key = { username: 'bob', name: 'k', hint: 'sk-…h', group: undefined, models: ['a'], now }
    const limit = 2n ** 62n + 1n
    const { id } = await store.run('createApiKey', { ...key, hash: 'h', limit, expiresAt: 2_000 })
    await store.run('createApiKey', {
      ...key,
      name: 'other',
      hash: 'i',
      limit: undefined,
      expiresAt: undefined,
    })
    await store.run('updateUser', { username: 'bob', status: 'disabled', now })
    expect(await findKeyRow(store.query, 'h')).toEqual({
      id,
      name: 'k',
      account_id: 2,
      user_id: userId,
      organisation_id: null,
      rate_limit: null,
      status: 'enabled',
      group_name: null,
      models: '["a"]',
      deny_models: null,
      endpoints: null,
      allow_ips: null,
      expires_at: 2_000,
      limit_nusd: limit,
      spent_nusd: 0n,
      username: 'bob',
      role: 'user',
      user_status: 'disabled',
      user_group: 'default',
      organisation_group: null,
    })
    expect(await findKeyRow(store.query, 'nothing')).toBeUndefined()
  })

  test("an organisation's key comes with its group and its own rate limits", async () => {
    const database = await stores.fresh()
    const store = await stores.open(database)
    const user = { role: 'user', group: 'default', passwordHash: undefined, balance: 0n, now } as const
    const { id: userId, accountId } = await store.run('createUser', { ...user, username: 'ann' })
    const key = { username: 'ann', name: 'k', hash: 'h', hint: 'sk-…h', models: undefined, now }
    await store.run('createApiKey', { ...key, group: undefined, limit: undefined, expiresAt: undefined })
    await stores.tamper(database, "INSERT INTO groups (name, ratio, description) VALUES ('big', '1', '')")
    await stores.tamper(
      database,
      `INSERT INTO organisations (id, slug, name, status, group_name, account_id, created_at, updated_at, revision)
        VALUES ('O1', 'acme', 'Acme', 'active', 'big', ${accountId}, 1, 1, 1)`,
    )
    const rateLimit = JSON.stringify({ requestsPerMinute: 3 })
    await stores.tamper(database, `UPDATE api_keys SET organisation_id = 'O1', rate_limit = '${rateLimit}'`)
    const row = await findKeyRow(store.query, 'h')
    expect(row && readCallerKey(row)).toMatchObject({
      userId,
      userGroup: 'default',
      organisation: { id: 'O1', group: 'big' },
      rateLimit: { requestsPerMinute: 3 },
    })
  })
})
