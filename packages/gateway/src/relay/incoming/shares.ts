import { GatewayError } from '../gateway-error.ts'
import type { ByteBudget } from './budget.ts'

/** What one request holds of what all of them share: bytes in memory, and a place among the streams of its key. */
export interface Share extends ByteBudget {
  /** Once. @throws GatewayError `rate_limited_client`, when the key has as many open streams as it may */
  enterStream(): void
  /** Gives back all that is still held; nothing can be taken any more. */
  close(): void
}

export interface Shares {
  open(caller: { readonly accountId: number; readonly id: number }): Share
  readonly bytesUsed: number
}

export interface SharesParts {
  readonly limits: { readonly bodiesInFlightBytesMax: number; readonly accountBytesInFlightMax: number }
  readonly streamsPerKeyMax: () => number
  readonly onShed: (limit: string) => void
}

/** Bounds over all requests of this process, over those of one account, and over the streams of one key. */
export function createShares(parts: SharesParts): Shares {
  const all: Tally = { used: 0, holders: 0 }
  const books: Books = { parts, all, accounts: new Tallies(), keys: new Tallies() }
  return {
    open: caller => new RequestShare(books, caller),
    get bytesUsed() {
      return all.used
    },
  }
}

interface Books {
  readonly parts: SharesParts
  readonly all: Tally
  readonly accounts: Tallies
  readonly keys: Tallies
}

class RequestShare implements Share {
  readonly #books: Books
  readonly #keyId: number
  readonly #account: Tally
  #held = 0
  #stream: Tally | undefined
  #isClosed = false

  constructor(books: Books, caller: { readonly accountId: number; readonly id: number }) {
    this.#books = books
    this.#keyId = caller.id
    this.#account = books.accounts.get(caller.accountId)
    this.#account.holders++
  }

  tryTake(bytes: number): boolean {
    return this.#takeOrName(bytes) === undefined
  }

  take(bytes: number): void {
    const limit = this.#takeOrName(bytes)
    if (limit !== undefined) throw new GatewayError('shed', byteWords[limit], { retryAfterMs: 1_000 })
  }

  give(bytes: number): void {
    this.#move(-bytes)
  }

  enterStream(): void {
    const { parts, keys } = this.#books
    const tally = keys.get(this.#keyId)
    const max = parts.streamsPerKeyMax()
    if (tally.used >= max) {
      parts.onShed('streamsPerKeyMax')
      throw new GatewayError(
        'rate_limited_client',
        `this API key has ${max} open streams, as many as it may; try again when one has ended`,
        { retryAfterMs: 1_000 },
      )
    }
    tally.used++
    this.#stream = tally
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#move(-this.#held)
    this.#account.holders--
    if (this.#stream !== undefined) this.#stream.used--
  }

  #takeOrName(bytes: number): ByteLimit | undefined {
    const limit = this.#isClosed ? 'bodiesInFlightBytesMax' : this.#findLimit(bytes)
    if (limit === undefined) this.#move(bytes)
    else if (!this.#isClosed) this.#books.parts.onShed(limit)
    return limit
  }

  /** The limit that `bytes` more would break. */
  #findLimit(bytes: number): ByteLimit | undefined {
    const { all, parts } = this.#books
    if (all.used + bytes > parts.limits.bodiesInFlightBytesMax) return 'bodiesInFlightBytesMax'
    const isOver = this.#account.used + bytes > parts.limits.accountBytesInFlightMax
    return isOver ? 'accountBytesInFlightMax' : undefined
  }

  #move(bytes: number): void {
    this.#held += bytes
    this.#account.used += bytes
    this.#books.all.used += bytes
  }
}

const byteWords = {
  bodiesInFlightBytesMax: 'the gateway holds as many bytes as it may at once; try again',
  accountBytesInFlightMax: 'the requests of this account hold as many bytes as they may at once; try again',
} as const
type ByteLimit = keyof typeof byteWords

interface Tally {
  used: number
  /** Requests that will count on it yet. */
  holders: number
}

/**
 * Counts by id. What is at zero stays until there are many: a table from which each request takes what it has put in
 * is replaced every few requests, and each dead one lives on with its entries (see `roster.ts`).
 */
class Tallies {
  readonly #byId = new Map<number, Tally>()
  #pruneAt = idleTalliesMax

  get(id: number): Tally {
    const known = this.#byId.get(id)
    if (known !== undefined) return known
    if (this.#byId.size >= this.#pruneAt) this.#prune()
    const tally = { used: 0, holders: 0 }
    this.#byId.set(id, tally)
    return tally
  }

  /** What is left is in use: as many as there are requests. */
  #prune(): void {
    for (const [id, { used, holders }] of this.#byId) {
      if (used === 0 && holders === 0) this.#byId.delete(id)
    }
    this.#pruneAt = Math.max(idleTalliesMax, this.#byId.size * 2)
  }
}

const idleTalliesMax = 10_000
