import type { ByteBudget } from './budget.ts'
import { GatewayError } from './gateway-error.ts'

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
export function createShares({ limits, streamsPerKeyMax, onShed }: SharesParts): Shares {
  const all: Tally = { used: 0, holders: 0 }
  const accounts = new Tallies()
  const keys = new Tallies()

  /** The limit that `bytes` more would break. */
  function findLimit(account: Tally, bytes: number): ByteLimit | undefined {
    if (all.used + bytes > limits.bodiesInFlightBytesMax) return 'bodiesInFlightBytesMax'
    return account.used + bytes > limits.accountBytesInFlightMax ? 'accountBytesInFlightMax' : undefined
  }

  return {
    open(caller) {
      const account = accounts.get(caller.accountId)
      account.holders++
      let held = 0
      let stream: Tally | undefined
      let isClosed = false

      function takeOrName(bytes: number): ByteLimit | undefined {
        const limit = isClosed ? 'bodiesInFlightBytesMax' : findLimit(account, bytes)
        if (limit === undefined) move(bytes)
        else if (!isClosed) onShed(limit)
        return limit
      }
      function move(bytes: number): void {
        held += bytes
        account.used += bytes
        all.used += bytes
      }

      return {
        tryTake: bytes => takeOrName(bytes) === undefined,
        take(bytes) {
          const limit = takeOrName(bytes)
          if (limit !== undefined) throw new GatewayError('shed', byteWords[limit], { retryAfterMs: 1_000 })
        },
        give: bytes => move(-bytes),
        enterStream() {
          const tally = keys.get(caller.id)
          const max = streamsPerKeyMax()
          if (tally.used >= max) {
            onShed('streamsPerKeyMax')
            throw new GatewayError(
              'rate_limited_client',
              `this API key has ${max} open streams, as many as it may; try again when one has ended`,
              { retryAfterMs: 1_000 },
            )
          }
          tally.used++
          stream = tally
        },
        close() {
          if (isClosed) return
          isClosed = true
          move(-held)
          account.holders--
          if (stream !== undefined) stream.used--
        },
      }
    },
    get bytesUsed() {
      return all.used
    },
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
