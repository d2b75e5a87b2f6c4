/** When a breaker opens, and how it closes again. Times in milliseconds. */
export interface BreakerRules {
  /** Failures in a row that open it. */
  readonly failuresMax: number
  /** Share of failures within the window that opens it, once there are `requestsMin` attempts. */
  readonly failureShare: number
  readonly requestsMin: number
  readonly windowMs: number
  /** Open at first; twice as long after each probe that fails. */
  readonly openMs: number
  readonly openMsMax: number
  /** A probe whose end nobody told is given up then, and another is sent. */
  readonly probeMsMax: number
  /** After its return a channel gets its full share only in this time. */
  readonly slowStartMs: number
}

/** An attempt in the order of all that this node has seen. */
export interface Attempted {
  readonly isProbe: boolean
  readonly began: number
  readonly ended: number
}

/** The share of its weight that a channel gets at the moment of its return. */
const firstShare = 0.1

/**
 * Circuit breaker of one channel for one model. Closed: attempts are counted. Open: none is sent until the time is over; then
 * one, the probe, decides. Pure: time comes in.
 */
export class Breaker {
  /** Asked anew each time: an option that is changed counts at once. */
  readonly #rules: () => BreakerRules
  #inRow = 0
  /** The window in two halves, so that it slides without a list: this one and the one before it. */
  #ok = 0
  #failed = 0
  #okBefore = 0
  #failedBefore = 0
  #halfEndsAt = 0
  #openUntil: number | undefined
  /** The place in the order of events at which it opened. */
  #openedAt = 0
  #openings = 0
  #probeSince: number | undefined
  #returnedAt = Number.NEGATIVE_INFINITY

  constructor(rules: () => BreakerRules) {
    this.#rules = rules
  }

  /** `probe`: it may have one attempt that decides. */
  state(now: number): 'closed' | 'open' | 'probe' {
    if (this.#openUntil === undefined) return 'closed'
    const isProbing = this.#probeSince !== undefined && now < this.#probeSince + this.#rules().probeMsMax
    return now < this.#openUntil || isProbing ? 'open' : 'probe'
  }

  get openUntil(): number | undefined {
    return this.#openUntil
  }

  /** Of its weight, what it gets now: 1, or less after its return. */
  share(now: number): number {
    if (this.#returnedAt === Number.NEGATIVE_INFINITY) return 1
    const since = now - this.#returnedAt
    const { slowStartMs } = this.#rules()
    return since >= slowStartMs || since < 0 ? 1 : firstShare + (1 - firstShare) * (since / slowStartMs)
  }

  /** An attempt begins; whether it is the probe, which the caller tells back with its end. */
  begin(now: number): boolean {
    if (this.state(now) !== 'probe') return false
    this.#probeSince = now
    return true
  }

  /** The probe closes it, and so does any other that began after it opened: a test, a last resort. Whether it did. */
  succeeded(now: number, { isProbe, began }: Attempted): boolean {
    this.#slide(now)
    this.#ok += 1
    this.#inRow = 0
    if (this.#openUntil === undefined || !(isProbe || began > this.#openedAt)) return false
    this.#close(now)
    return true
  }

  /** An attempt that was under way when it opened says nothing new. */
  failed(now: number, { isProbe, ended }: Attempted): void {
    this.#slide(now)
    this.#failed += 1
    this.#inRow += 1
    if (isProbe || (this.#openUntil === undefined && this.#isTooMuch(now))) this.#open(now, ended)
  }

  /** What made it stand back otherwise is over: it returns slowly. */
  returnAt(time: number): void {
    this.#returnedAt = Math.max(this.#returnedAt, time)
  }

  /** The attempt ended without a verdict: the client left. */
  undecided(isProbe: boolean): void {
    if (isProbe) this.#probeSince = undefined
  }

  /** Attempts and failures within the window. */
  counts(now: number): { readonly attempts: number; readonly failures: number } {
    this.#slide(now)
    const failures = this.#failed + this.#failedBefore
    return { attempts: failures + this.#ok + this.#okBefore, failures }
  }

  #isTooMuch(now: number): boolean {
    const { failuresMax, requestsMin, failureShare } = this.#rules()
    if (this.#inRow >= failuresMax) return true
    const { attempts, failures } = this.counts(now)
    return attempts >= requestsMin && failures >= attempts * failureShare
  }

  #open(now: number, at: number): void {
    const { openMs, openMsMax } = this.#rules()
    this.#openedAt = at
    this.#openUntil = now + Math.min(openMs * 2 ** this.#openings, openMsMax)
    this.#openings += 1
    this.#probeSince = undefined
  }

  #close(now: number): void {
    this.#openUntil = undefined
    this.#openings = 0
    this.#probeSince = undefined
    this.#returnedAt = now
    this.#ok = this.#failed = this.#okBefore = this.#failedBefore = 0
  }

  #slide(now: number): void {
    if (now < this.#halfEndsAt) return
    const halfMs = this.#rules().windowMs / 2
    const isStale = now >= this.#halfEndsAt + halfMs
    this.#okBefore = isStale ? 0 : this.#ok
    this.#failedBefore = isStale ? 0 : this.#failed
    this.#ok = this.#failed = 0
    this.#halfEndsAt = now + halfMs
  }
}
