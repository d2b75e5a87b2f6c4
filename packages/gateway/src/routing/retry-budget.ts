import { setBounded } from './rests.ts'

export interface RetryBudgets {
  /** A request for the model begins. */
  onRequest(model: string, now: number): void
  /** Whether one more attempt for the model may be made now; takes it. */
  tryRetry(model: string, now: number): boolean
}

/** Retries that are always free within a window: a lone user's are never refused. */
const freeRetries = 20
const windowMs = 10_000
/** Models that are known; names are a client's. */
const modelsMax = 1_000

/**
 * Bounds how far failing upstreams multiply load: within ten seconds `share` retries per request, and a few that are free. Beyond it a
 * failure is told at once. Each model has its own, so that one whose upstreams are down takes nothing from another's failover.
 */
export function createRetryBudgets(share: () => number): RetryBudgets {
  const budgets = new Map<string, Budget>()

  function of(model: string): Budget {
    const known = budgets.get(model)
    if (known !== undefined) return known
    const fresh = new Budget()
    setBounded(budgets, model, fresh, modelsMax)
    return fresh
  }

  return {
    onRequest: (model, now) => of(model).onRequest(now),
    tryRetry: (model, now) => of(model).tryRetry(now, share()),
  }
}

class Budget {
  #requests = 0
  #retries = 0
  #endsAt = 0
  #before = { requests: 0, retries: 0 }

  onRequest(now: number): void {
    this.#slide(now)
    this.#requests += 1
  }

  tryRetry(now: number, share: number): boolean {
    this.#slide(now)
    const allowed = freeRetries + (this.#requests + this.#before.requests) * share
    if (this.#retries + this.#before.retries >= allowed) return false
    this.#retries += 1
    return true
  }

  #slide(now: number): void {
    if (now < this.#endsAt) return
    const isNext = now < this.#endsAt + windowMs
    this.#before = isNext ? { requests: this.#requests, retries: this.#retries } : { requests: 0, retries: 0 }
    this.#requests = 0
    this.#retries = 0
    this.#endsAt = now + windowMs
  }
}
