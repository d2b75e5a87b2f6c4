import { expect, onTestFinished, test, vi } from 'vitest'
import { type Store, StoreError, watchRevisions } from '#store'
import { describeStores } from '../store/store-cases.ts'
import { createKeyring, KeyringUnavailableError } from './keyring.ts'

const limits = { keyCacheMax: 100, unknownKeyCacheMax: 2, unknownKeyLifeMs: 10_000, keyLookupsMax: 3 }
const user = { role: 'user', group: 'default', passwordHash: undefined, balance: 0n } as const
const key = {
  username: 'ann',
  name: 'k',
  hint: 'sk-…h',
  group: undefined,
  models: undefined,
  limit: undefined,
  expiresAt: undefined,
} as const

describeStores('the keyring', stores => {
  test('reads a key once, and follows a change at the next poll', async () => {
    const store = await stores.open(await stores.fresh())
    await store.run('createUser', { ...user, username: 'ann', now: 1 })
    const { id } = await store.run('createApiKey', { ...key, hash: 'h', now: 1 })
    const { counted, reads } = counting(store)
    const revisions = await watchRevisions({ store, pollMs: 20, onFailure: failed })
    const keyring = createKeyring({ store: counted, revisions, limits })
    try {
      const first = keyring.find('h')
      expect(first).toBeInstanceOf(Promise)
      expect(await first).toMatchObject({ id, name: 'k', isEnabled: true })
      expect(keyring.find('h')).toMatchObject({ id })
      expect(reads()).toBe(1)
      await store.run('updateApiKey', { id, status: 'disabled', now: 2 })
      await vi.waitFor(async () => expect(await keyring.find('h')).toMatchObject({ isEnabled: false }))
      await store.run('updateUser', { username: 'ann', status: 'disabled', now: 3 })
      await vi.waitFor(async () => expect(await keyring.find('h')).toMatchObject({ isUserEnabled: false }))
    } finally {
      revisions.stop()
    }
  })

  test('a key that is made after it was asked for in vain works at the next poll', async () => {
    const store = await stores.open(await stores.fresh())
    await store.run('createUser', { ...user, username: 'ann', now: 1 })
    const revisions = await watchRevisions({ store, pollMs: 20, onFailure: failed })
    const keyring = createKeyring({ store, revisions, limits })
    try {
      expect(await keyring.find('h')).toBeUndefined()
      await store.run('createApiKey', { ...key, hash: 'h', now: 2 })
      await vi.waitFor(async () => expect(await keyring.find('h')).toMatchObject({ name: 'k' }))
    } finally {
      revisions.stop()
    }
  })
})

/** A poll may be under way when the store is closed. */
const failed = () => undefined

function counting(store: Store) {
  let count = 0
  const query: Store['query'] = (sql, parameters) => {
    count++
    return store.query(sql, parameters)
  }
  return { counted: { query, run: store.run }, reads: () => count }
}

describeStores('a key that nobody knows', stores => {
  /** A keyring whose reads are answered when they are let. */
  async function setUp({ unknownKeyLifeMs = limits.unknownKeyLifeMs } = {}) {
    const store = await stores.open(await stores.fresh())
    await store.run('createUser', { ...user, username: 'ann', now: 1 })
    const waiting: (() => void)[] = []
    const query: Store['query'] = async () => {
      await new Promise<void>(resolve => waiting.push(resolve))
      return []
    }
    const revisions = await watchRevisions({ store, pollMs: 20, onFailure: failed })
    onTestFinished(() => revisions.stop())
    const keyring = createKeyring({ store: { query }, revisions, limits: { ...limits, unknownKeyLifeMs } })
    const answer = async (...asked: ReturnType<typeof keyring.find>[]) => {
      for (const resolve of waiting.splice(0)) resolve()
      return Promise.all(asked)
    }
    return { find: keyring.find, waiting, answer, store }
  }

  test('is looked for once by two who ask at the same time', async () => {
    const { find, waiting, answer } = await setUp()
    const both = [find('a'), find('a')]
    expect(waiting).toHaveLength(1)
    expect(await answer(...both)).toEqual([undefined, undefined])
  })

  test('is not looked for again for a time', async () => {
    const { find, waiting, answer } = await setUp({ unknownKeyLifeMs: 100 })
    await answer(find('a'))
    expect(find('a')).toBeUndefined()
    expect(waiting).toHaveLength(0)
    await vi.waitFor(() => expect(find('a')).toBeInstanceOf(Promise))
  })

  test('is refused while too many are looked for, and may be asked for again then', async () => {
    const { find, answer } = await setUp()
    const asked = ['a', 'b', 'c'].map(find)
    expect(() => find('d')).toThrow(KeyringUnavailableError)
    expect(find('a')).toBeInstanceOf(Promise)
    await answer(...asked)
    expect(find('d')).toBeInstanceOf(Promise)
  })

  test('is forgotten when more of them come than are remembered', async () => {
    const { find, waiting, answer } = await setUp()
    for (const hash of ['a', 'b', 'c']) await answer(find(hash))
    expect(find('c')).toBeUndefined()
    expect(waiting).toHaveLength(0)
    expect(find('a')).toBeInstanceOf(Promise)
    expect(waiting).toHaveLength(1)
  })

  test('is not remembered when a change overtook the look', async () => {
    const { find, waiting, answer, store } = await setUp()
    await answer(find('known-to-be-unknown'))
    const asked = find('a')
    await store.run('createApiKey', { ...key, hash: 'other', now: 2 })
    await vi.waitFor(() => expect(find('known-to-be-unknown')).toBeInstanceOf(Promise)) // the change has arrived
    await answer(asked)
    expect(find('a')).toBeInstanceOf(Promise)
    expect(waiting).toHaveLength(1)
  })

  test('cannot be told while the store is away, and is asked for again then', async () => {
    const store = await stores.open(await stores.fresh())
    let isAway = true
    const query: Store['query'] = async (sql, parameters) => {
      if (isAway) throw new StoreError('unavailable', 'away')
      return store.query(sql, parameters)
    }
    const revisions = await watchRevisions({ store, pollMs: 10_000, onFailure: failed })
    onTestFinished(() => revisions.stop())
    const keyring = createKeyring({ store: { query }, revisions, limits })
    await expect(keyring.find('a')).rejects.toThrow(KeyringUnavailableError)
    isAway = false
    expect(await keyring.find('a')).toBeUndefined()
  })
})
