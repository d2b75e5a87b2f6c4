export interface RetryBudget {
  /** A request begins. */
  onRequest(now: number): void
  /** Whether one more attempt may be made now; takes it. */
  tryRetry(now: number): boolean
}

/** Retries that are always free within a window: a lone user's are never refused. */
const freeRetries = 20
const windowMs = 10_000

/**
 * Bounds how far failing upstreams multiply load: within ten seconds `share` retries per request, and a few that are free. Beyond it a
 * failure is told at once.
 */
export function createRetryBudget(share: () => number): RetryBudget {
  let [requests, retries, endsAt] = [0, 0, 0]
  let before = { requests: 0, retries: 0 }

  function slide(now: number): void {
    if (now < endsAt) return
    before = now < endsAt + windowMs ? { requests, retries } : { requests: 0, retries: 0 }
    requests = 0
    retries = 0
    endsAt = now + windowMs
  }

  return {
    onRequest(now) {
      slide(now)
      requests += 1
    },
    tryRetry(now) {
      slide(now)
      const allowed = freeRetries + (requests + before.requests) * share()
      if (retries + before.retries >= allowed) return false
      retries += 1
      return true
    },
  }
}
