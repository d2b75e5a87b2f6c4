import type { Ceilings } from '#catalog'
import type { Exclusion } from './exclusion.ts'

/**
 * A channel's places and its requests within any minute. Counted in this process alone; what is under way is counted also where
 * nothing is limited, for an edit may bring a limit at any time.
 */
export class Ceiling {
  readonly #concurrencyMax: number | undefined
  readonly #minute: Minute | undefined
  #inFlight: number

  /** What the channel had under way before its edit, and its last minute, stay counted. */
  constructor({ concurrencyMax, requestsPerMinuteMax }: Ceilings, before: Ceiling | undefined) {
    this.#concurrencyMax = concurrencyMax
    const lastMinute = before === undefined ? undefined : before.#minute
    this.#minute =
      requestsPerMinuteMax === undefined ? undefined : new Minute(requestsPerMinuteMax, lastMinute)
    this.#inFlight = before === undefined ? 0 : before.#inFlight
  }

  judge(now: number): Exclusion | undefined {
    if (this.#concurrencyMax !== undefined && this.#inFlight >= this.#concurrencyMax)
      return { reason: 'at_concurrency_ceiling', isSoft: false, until: undefined }
    const freeAt = this.#minute?.freeAt() ?? now
    return now < freeAt ? { reason: 'at_rate_ceiling', isSoft: false, until: freeAt } : undefined
  }

  take(now: number): void {
    this.#inFlight += 1
    this.#minute?.take(now)
  }

  give(): void {
    this.#inFlight = Math.max(0, this.#inFlight - 1)
  }
}

const minuteMs = 60_000

/** The times of the last `max` requests, in a ring: exact, and eight bytes for each. */
class Minute {
  readonly #times: Float64Array
  #oldest = 0

  constructor(max: number, before: Minute | undefined) {
    this.#times = new Float64Array(Math.max(1, max)).fill(Number.NEGATIVE_INFINITY)
    if (before !== undefined) for (const time of before.#inOrder()) this.take(time)
  }

  /** When the next may go. */
  freeAt(): number {
    return (this.#times[this.#oldest] ?? 0) + minuteMs
  }

  take(now: number): void {
    this.#times[this.#oldest] = now
    this.#oldest = (this.#oldest + 1) % this.#times.length
  }

  #inOrder(): readonly number[] {
    return [...this.#times.subarray(this.#oldest), ...this.#times.subarray(0, this.#oldest)]
  }
}
