import { expect, test } from 'vitest'
import { describeStores } from '../store/store-cases.ts'
import { findKeyRow } from './queries.ts'

const now = 1_000

describeStores('the key of a caller', stores => {
  test('is found by its hash, with its user, money exact', async () => {
    const store = await stores.open(await stores.fresh())
    const user = { role: 'user', group: 'default', passwordHash: undefined, balance: 0n, now } as const
    await store.run('createUser', { ...user, username: 'ann' })
    await store.run('createUser', { ...user, username: 'bob' })
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
    })
    expect(await findKeyRow(store.query, 'nothing')).toBeUndefined()
  })
})
