import type { Admission, Limiter, Refusal } from '#limiting'
import { GatewayError } from './gateway-error.ts'
import type { RequestLog } from './request-log.ts'
import type { Facts } from './scan.ts'

interface RateParts {
  readonly limiter: Limiter
  readonly limits: { readonly outputTokensAssumed: number }
  readonly observer: { readonly onRateLimited: (refusal: Refusal) => void }
}

/**
 * Takes the caller's rates and places, which the log then holds: at once, unless nodes share them in Redis.
 * @throws GatewayError `rate_limited_client`, also as a rejection
 */
export function admitRate(parts: RateParts, log: RequestLog, facts: Facts): Promise<void> | undefined {
  const { caller } = log
  if (caller === undefined) throw new Error('a request without a caller has no limits')
  const ask = { model: facts.model, tokens: tokensAsked(log, facts, parts.limits.outputTokensAssumed) }
  const admission = parts.limiter.admit(caller, ask)
  if (admission instanceof Promise) return admission.then(late => accept(parts, log, late))
  if (admission !== undefined) accept(parts, log, admission)
  return undefined
}

function accept({ observer }: RateParts, log: RequestLog, admission: Admission): void {
  log.standing = admission.standing
  if (admission.kind === 'admitted') {
    log.seat = admission.seat
    return
  }
  const { refusal } = admission
  observer.onRateLimited(refusal)
  const limited = refusal.unit === 'tokens' ? 'tokens' : 'requests'
  const { retryAfterMs } = refusal
  throw new GatewayError('rate_limited_client', refusal.message, { retryAfterMs, limited })
}

const bytesPerToken = 4
/** More than any model writes; what a client sends beyond it is no number of tokens. */
const outputTokensMax = 1_000_000_000

/** What a request is reckoned to cost until its usage is known. Counting tokens is free, but for the request itself. */
function tokensAsked({ target }: RequestLog, facts: Facts, outputTokensAssumed: number): number {
  if (target.operation === 'count-tokens') return 0
  const writes = target.operation === 'chat' || target.operation === 'completions'
  const output = writes ? (facts.outputLimit ?? outputTokensAssumed) * facts.choices : 0
  const whole = Math.min(Math.max(0, Math.ceil(output)), outputTokensMax)
  return Math.ceil(facts.body.length / bytesPerToken) + whole
}
