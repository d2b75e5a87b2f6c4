import { LRUCache } from 'lru-cache'
import { type Revisions, type Store, StoreError } from '#store'
import { type CallerKey, readCallerKey, type Spent } from './caller.ts'
import { findKeyRow } from './queries.ts'

export interface KeyringParts {
  readonly store: Pick<Store, 'query'>
  readonly revisions: Revisions
  readonly limits: {
    readonly keyCacheMax: number
    readonly unknownKeyCacheMax: number
    readonly unknownKeyLifeMs: number
    readonly keyLookupsMax: number
  }
}

/** Known keys by the hash of what the client sent. A warm key costs no read; a change of any key or user empties the cache. */
export interface Keyring {
  /** The key at once when it is warm, else after one read; `undefined` when there is none. */
  find(hash: string): CallerKey | undefined | Promise<CallerKey | undefined>
}

/** A cold key whose owner nobody can tell just now: the store is away, or asked for too many keys at once. */
export class KeyringUnavailableError extends Error {
  override readonly name = 'KeyringUnavailableError'
}

export function createKeyring({ store, revisions, limits }: KeyringParts): Keyring {
  const known = new LRUCache<string, CallerKey>({ max: limits.keyCacheMax })
  const unknown = new LRUCache<string, true>({ max: limits.unknownKeyCacheMax, ttl: limits.unknownKeyLifeMs })
  const reading = new Map<string, Promise<CallerKey | undefined>>()
  /** Of keys with a limit, by id: it outlives the cache. */
  const spent = new Map<number, Spent>()
  let revision = revisions.atStart.keys
  revisions.follow({
    scope: 'keys',
    from: revision,
    catchUp(changed) {
      revision = changed
      known.clear()
      unknown.clear()
      return changed
    },
    // Emptying a cache does not fail.
    onFailure: () => undefined,
  })

  /** The store lags behind what this node has settled, and requests under way hold an older reading of the key. */
  function withSpent(key: CallerKey): CallerKey {
    const counter = spent.get(key.id)
    if (counter === undefined) {
      if (spent.size >= limits.keyCacheMax) spent.clear()
      if (key.limitNusd !== undefined) spent.set(key.id, key.spent)
      return key
    }
    if (key.spent.nusd > counter.nusd) counter.nusd = key.spent.nusd
    return { ...key, spent: counter }
  }

  async function read(hash: string): Promise<CallerKey | undefined> {
    const revisionBefore = revision
    const row = await findKeyRow(store.query, hash)
    const key = row && withSpent(readCallerKey(row))
    // A read that a change overtook may be of before it: it answers this request and is not kept.
    if (revision === revisionBefore) {
      if (key === undefined) unknown.set(hash, true)
      else known.set(hash, key)
    }
    return key
  }

  return {
    find(hash) {
      const key = known.get(hash)
      if (key !== undefined || unknown.has(hash)) return key
      const same = reading.get(hash)
      if (same !== undefined) return same
      if (reading.size >= limits.keyLookupsMax)
        throw new KeyringUnavailableError('too many unknown keys at once')
      const started = read(hash)
        .catch(refuse)
        .finally(() => reading.delete(hash))
      reading.set(hash, started)
      return started
    },
  }
}

function refuse(error: unknown): never {
  if (!(error instanceof StoreError && error.code === 'unavailable')) throw error
  throw new KeyringUnavailableError('the store of the keys is away', { cause: error })
}
