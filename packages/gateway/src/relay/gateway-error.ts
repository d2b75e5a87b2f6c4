import type { ErrorClass, UpstreamErrorClass } from '@yumen/protocol'

interface GatewayErrorOptions extends ErrorOptions {
  /** The request's field that is wrong, in the client's own dialect. */
  readonly param?: string
  /** Another status than the class's own: 404 and 405 of addresses that do not exist. */
  readonly status?: number
  readonly retryAfterMs?: number | undefined
  /** What a rate limit counts. */
  readonly limited?: 'requests' | 'tokens'
  /** With 405: the methods that the address has. */
  readonly allow?: string
  /** The upstream's own refusal in the client's dialect, passed on byte for byte. */
  readonly native?: NativeRefusal
}

export interface NativeRefusal {
  readonly status: number
  readonly body: Buffer
}

/** What a client may be told. Thrown anywhere in the relay, caught once, rendered by the client's dialect. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly class: ErrorClass
  readonly param: string | undefined
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined
  readonly limited: 'requests' | 'tokens' | undefined
  readonly allow: string | undefined
  readonly native: NativeRefusal | undefined
  constructor(errorClass: ErrorClass, message: string, options: GatewayErrorOptions = {}) {
    super(message, options)
    this.class = errorClass
    this.param = options.param
    this.status = options.status
    this.retryAfterMs = options.retryAfterMs
    this.limited = options.limited
    this.allow = options.allow
    this.native = options.native
  }
}

/** The client left before its answer began: nobody is there to be told. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError'
}

/**
 * What the client is told when an attempt's failure is the last word. The upstream's 401, 402 and 403 are the operator's:
 * told as they are, the client's SDK would say that its user's key is wrong.
 */
export const toldAs = {
  context_length: 'context_length',
  payload_too_large: 'payload_too_large',
  content_policy: 'content_policy',
  state_invalid: 'state_invalid',
  state_not_found: 'state_not_found',
  invalid_request: 'invalid_request',
  model_unavailable: 'no_candidate',
  auth_upstream: 'no_candidate',
  quota_upstream: 'no_candidate',
  region: 'no_candidate',
  rate_limited: 'rate_limited',
  overloaded: 'overloaded',
  upstream_timeout: 'upstream_timeout',
  upstream_error: 'upstream_error',
  upstream_protocol: 'upstream_error',
} as const satisfies Record<UpstreamErrorClass, ErrorClass>

/** What the client is told of a failure; `undefined`: the upstream did not say. What the gateway ended itself is its own. */
export function toldClassOf(
  error: { readonly class: UpstreamErrorClass; readonly isOurs?: true } | undefined,
): ErrorClass {
  return error?.isOurs ? 'shed' : toldAs[error?.class ?? 'upstream_error']
}

/** Refusals of what the client wrote: their words are the client's to read. Those for all others are the gateway's. */
export const keptBodies: ReadonlySet<ErrorClass> = new Set([
  'invalid_request',
  'context_length',
  'content_policy',
])
