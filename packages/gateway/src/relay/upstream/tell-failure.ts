import { type Dialect, errorStatus, type UpstreamError } from '@yumen/protocol'
import { remedies } from '#routing'
import { GatewayError, keptBodies, toldAs } from '../gateway-error.ts'
import type { RequestLog } from '../request-log.ts'
import type { Facts } from '../scan.ts'

/** An attempt that came to nothing by its upstream. */
export interface Failed {
  readonly kind: 'failed'
  readonly error: UpstreamError
  /** The upstream's own body, where it sent one and it is small enough to be passed on. */
  readonly refusal: Buffer | undefined
  /** The channel's own statuses for the client, by the upstream's. */
  readonly statuses: ReadonlyMap<number, number> | undefined
}

interface TellParts {
  readonly facts: Facts
  readonly log: RequestLog
  readonly dialect: Dialect
}

/** The last failure is told, with the shortest wait that any of the tried upstreams named. */
export function mergeFailures(before: Failed | undefined, now: Failed): Failed {
  const waits = [before?.error.retryAfterMs, now.error.retryAfterMs].filter(wait => wait !== undefined)
  return waits.length === 0 ? now : { ...now, error: { ...now.error, retryAfterMs: Math.min(...waits) } }
}

/** An upstream's failure in words for the client: its own only where the client itself can mend it. */
export function tell(failed: Failed, { facts, log, dialect }: TellParts): GatewayError {
  const { error, refusal } = failed
  const told = toldAs[error.class]
  const status = mappedStatus(failed, dialect)
  if (remedies[error.class] === 'tell-client') {
    // Google repeats the status in the body: one with another status is written anew.
    const isWhole = status === undefined || dialect.name !== 'gemini'
    const isKept = refusal !== undefined && error.status >= 400 && keptBodies.has(told) && isWhole
    const native = isKept ? { native: { status: status ?? error.status, body: refusal } } : {}
    return new GatewayError(told, error.message, {
      ...native,
      ...(status !== undefined && { status }),
      ...(error.param !== undefined && { param: error.param }),
    })
  }
  const words: Readonly<Record<string, string>> = {
    rate_limited: `${facts.model} is asked for too often just now`,
    overloaded: `${facts.model} is overloaded just now`,
    upstream_timeout: `${facts.model} did not answer in time`,
    upstream_error: `${facts.model} failed to answer`,
  }
  const message = words[told] ?? `The model is temporarily unavailable (request id ${log.id})`
  return new GatewayError(told, message, {
    ...(status !== undefined && { status }),
    retryAfterMs: error.retryAfterMs,
  })
}

/** The channel's status for what the upstream said; where it said nothing, for what the client would be told. */
function mappedStatus({ error, statuses }: Failed, dialect: Dialect): number | undefined {
  const real = error.status >= 400 ? error.status : errorStatus(toldAs[error.class], dialect.name)
  return statuses?.get(real)
}
