import type { Ceilings } from '#catalog'
import type { Exclusion } from './exclusion.ts'

/** A minute's requests may come at once; then the rate holds. */
const burstMs = 60_000

/** A channel's places and its rate. The rate is GCRA: one number, the time at which it will have earned what it took. */
export class Ceiling {
  readonly #ceilings: Ceilings
  #inFlight: number
  #earnedAt: number

  /** `undefined` where nothing is limited. What an edited channel has under way stays counted. */
  static of(ceilings: Ceilings, before: Ceiling | undefined): Ceiling | undefined {
    if (ceilings.concurrencyMax === undefined && ceilings.requestsPerMinuteMax === undefined) return undefined
    return new Ceiling(ceilings, before)
  }

  private constructor(ceilings: Ceilings, before: Ceiling | undefined) {
    this.#ceilings = ceilings
    this.#inFlight = before === undefined ? 0 : before.#inFlight
    this.#earnedAt = before === undefined ? 0 : before.#earnedAt
  }

  judge(now: number): Exclusion | undefined {
    const { concurrencyMax, requestsPerMinuteMax } = this.#ceilings
    if (concurrencyMax !== undefined && this.#inFlight >= concurrencyMax)
      return { reason: 'at_concurrency_ceiling', isSoft: false, until: undefined }
    if (requestsPerMinuteMax === undefined) return undefined
    const freeAt = this.#earnedAt + 60_000 / requestsPerMinuteMax - burstMs
    return now < freeAt ? { reason: 'at_rate_ceiling', isSoft: false, until: freeAt } : undefined
  }

  take(now: number): void {
    this.#inFlight += 1
    const { requestsPerMinuteMax } = this.#ceilings
    if (requestsPerMinuteMax === undefined) return
    this.#earnedAt = Math.max(this.#earnedAt, now) + 60_000 / requestsPerMinuteMax
  }

  give(): void {
    this.#inFlight = Math.max(0, this.#inFlight - 1)
  }
}
