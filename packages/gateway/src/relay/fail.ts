import { type Dialect, type ErrorClass, errorClasses, type ToldError } from '@yumen/protocol'
import { renderBlocked } from './client/blocked.ts'
import { UnrecordedError } from './client/deliver.ts'
import { createFraming } from './client/framing.ts'
import { rateHeaders } from './client/rate-headers.ts'
import type { Reply } from './client/reply.ts'
import { ClientGoneError, GatewayError } from './gateway-error.ts'
import type { RelayParts } from './parts.ts'
import type { RequestLog } from './request-log.ts'
import { settle } from './settle.ts'

interface Failing {
  readonly reply: Reply
  readonly dialect: Dialect
  readonly requestId: string
  /** `undefined` while the request is not worth a record: its address is none of ours. */
  readonly log: RequestLog | undefined
}

/** Ends a request that has no answer: the client is told in its own protocol, the record gets its end. The one catch of the relay. */
export function fail(parts: RelayParts, failing: Failing, error: unknown): void {
  const { log, requestId, dialect, reply } = failing
  if (error instanceof ClientGoneError) {
    record(parts, failing, { class: 'client_gone', status: 0 })
    return
  }
  const told = asGatewayError(error)
  // What the client may not read stands in the cause.
  if (told.class === 'internal') parts.observer.onBug(requestId, told.cause ?? error)
  const waitMs = waitOf(told, parts.limits.toldWaitMsMax)
  const rendered = renderBlocked(told, log) ?? render({ error: told, waitMs }, failing)
  if (!(error instanceof UnrecordedError))
    record(parts, failing, { class: told.class, status: rendered.status })
  if (reply.isStarted) {
    const framing = log === undefined ? undefined : createFraming(log.target)
    const frame = dialect.renderErrorFrame(toldError({ error: told, waitMs }, requestId))
    reply.end(framing?.frameOwn(frame) ?? frame)
    return
  }
  reply.sendWhole(
    rendered.status,
    errorHeaders({ error: told, waitMs }, failing, rendered.contentType),
    rendered.body,
  )
}

interface Told {
  readonly error: GatewayError
  /** How long the client is told to wait, if at all. */
  readonly waitMs: number | undefined
}

/** Other upstreams may serve it sooner than the one that rests longest; the client's own limit is what it is. */
function waitOf({ class: errorClass, retryAfterMs }: GatewayError, waitMsMax: number): number | undefined {
  if (retryAfterMs === undefined || errorClass === 'rate_limited_client') return retryAfterMs
  return Math.min(retryAfterMs, waitMsMax)
}

function asGatewayError(error: unknown): GatewayError {
  return error instanceof GatewayError
    ? error
    : new GatewayError('internal', 'an error within the gateway; it is on record', { cause: error })
}

function record(
  parts: RelayParts,
  { log, requestId, dialect }: Failing,
  ending: { class: string; status: number },
): void {
  if (log?.caller === undefined) parts.observer.onRefused({ requestId, dialect: dialect.name, ...ending })
  else settle(parts, log, { ...ending, usage: undefined, source: undefined })
}

function render(
  told: Told,
  { dialect, requestId }: Failing,
): { status: number; contentType: string; body: Buffer | string } {
  const contentType = 'application/json'
  const { native } = told.error
  if (native !== undefined) return { ...native, contentType }
  const { status, body } = dialect.renderError(toldError(told, requestId))
  return { status, contentType, body: JSON.stringify(body) }
}

function toldError({ error, waitMs }: Told, requestId: string): ToldError {
  return {
    class: error.class,
    message: error.message,
    requestId,
    ...(error.status !== undefined && { status: error.status }),
    ...(error.param !== undefined && { param: error.param }),
    ...(error.limited !== undefined && { limited: error.limited }),
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  }
}

function errorHeaders(
  { error, waitMs }: Told,
  { dialect, requestId, log }: Failing,
  contentType: string,
): string[] {
  const headers = ['content-type', contentType, 'x-request-id', requestId]
  if (dialect.name === 'anthropic') headers.push('request-id', requestId)
  headers.push(...rateHeaders(dialect.name, log?.standing))
  const waits: readonly ErrorClass[] = [
    'rate_limited',
    'rate_limited_client',
    'overloaded',
    'shed',
    'no_candidate',
  ]
  if (waitMs !== undefined && waits.includes(error.class)) {
    headers.push('retry-after', String(Math.max(1, Math.ceil(waitMs / 1_000))))
    const isOpenAi = dialect.name === 'openai-chat' || dialect.name === 'openai-responses'
    if (isOpenAi) headers.push('retry-after-ms', String(Math.ceil(waitMs)))
  }
  if (error.allow !== undefined) headers.push('allow', error.allow)
  if (!errorClasses[error.class].isRetryable) headers.push('x-should-retry', 'false')
  return headers
}
