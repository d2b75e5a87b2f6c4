import type { DialectName } from './dialect.ts'

/** How an error class looks to clients of each dialect: status, words, level of the log line. */
interface ErrorFacts {
  readonly status: number
  /** Status toward Anthropic (A) and Gemini (G) clients where theirs differs. */
  readonly anthropicStatus?: number
  readonly geminiStatus?: number
  readonly openai: { readonly type: string; readonly code: string }
  readonly anthropic: string
  readonly gemini: string
  /** Whether the official SDKs may retry: `false` is sent as `x-should-retry: false`. */
  readonly isRetryable: boolean
  readonly log: 'info' | 'warn' | 'error'
}

const refused = { isRetryable: false, log: 'info' } as const
const away = { isRetryable: true, log: 'warn' } as const
const invalid = (code: string) => ({ type: 'invalid_request_error', code })
const server = (code: string) => ({ type: 'server_error', code })

/**
 * Every error that a client may be told: the only list. Statuses and words as the dialects' own services send them, so that
 * the official SDKs raise the right exception; 402 is money, 429 a rate, 503 (529 toward Anthropic clients) load or health.
 */
export const errorClasses = {
  invalid_request: {
    status: 400,
    openai: invalid('invalid_value'),
    anthropic: 'invalid_request_error',
    gemini: 'INVALID_ARGUMENT',
    ...refused,
  },
  unsupported: {
    status: 400,
    openai: invalid('unsupported_parameter'),
    anthropic: 'invalid_request_error',
    gemini: 'INVALID_ARGUMENT',
    ...refused,
  },
  context_length: {
    status: 400,
    openai: invalid('context_length_exceeded'),
    anthropic: 'invalid_request_error',
    gemini: 'INVALID_ARGUMENT',
    ...refused,
  },
  payload_too_large: {
    status: 413,
    openai: invalid('request_too_large'),
    anthropic: 'request_too_large',
    gemini: 'INVALID_ARGUMENT',
    ...refused,
  },
  content_policy: {
    status: 400,
    openai: invalid('content_policy_violation'),
    anthropic: 'invalid_request_error',
    gemini: 'INVALID_ARGUMENT',
    ...refused,
  },
  auth_client: {
    status: 401,
    openai: invalid('invalid_api_key'),
    anthropic: 'authentication_error',
    gemini: 'UNAUTHENTICATED',
    ...refused,
  },
  permission_client: {
    status: 403,
    openai: invalid('permission_denied'),
    anthropic: 'permission_error',
    gemini: 'PERMISSION_DENIED',
    ...refused,
  },
  model_not_priced: {
    status: 400,
    openai: invalid('model_not_priced'),
    anthropic: 'invalid_request_error',
    gemini: 'INVALID_ARGUMENT',
    ...refused,
  },
  model_not_found: {
    status: 404,
    openai: invalid('model_not_found'),
    anthropic: 'not_found_error',
    gemini: 'NOT_FOUND',
    ...refused,
  },
  state_not_found: {
    status: 400,
    anthropicStatus: 404,
    geminiStatus: 404,
    openai: invalid('previous_response_not_found'),
    anthropic: 'not_found_error',
    gemini: 'NOT_FOUND',
    ...refused,
  },
  state_invalid: {
    status: 400,
    openai: invalid('reasoning_state_invalid'),
    anthropic: 'invalid_request_error',
    gemini: 'INVALID_ARGUMENT',
    ...refused,
  },
  quota_client: {
    status: 402,
    openai: { type: 'insufficient_quota', code: 'insufficient_quota' },
    anthropic: 'billing_error',
    gemini: 'RESOURCE_EXHAUSTED',
    ...refused,
  },
  rate_limited_client: {
    status: 429,
    openai: { type: 'requests', code: 'rate_limit_exceeded' },
    anthropic: 'rate_limit_error',
    gemini: 'RESOURCE_EXHAUSTED',
    isRetryable: true,
    log: 'info',
  },
  rate_limited: {
    status: 429,
    openai: { type: 'requests', code: 'rate_limit_exceeded' },
    anthropic: 'rate_limit_error',
    gemini: 'RESOURCE_EXHAUSTED',
    ...away,
  },
  overloaded: {
    status: 503,
    anthropicStatus: 529,
    openai: server('overloaded'),
    anthropic: 'overloaded_error',
    gemini: 'UNAVAILABLE',
    ...away,
  },
  shed: {
    status: 503,
    anthropicStatus: 529,
    openai: server('gateway_overloaded'),
    anthropic: 'overloaded_error',
    gemini: 'UNAVAILABLE',
    ...away,
  },
  no_candidate: {
    status: 503,
    openai: server('upstream_unavailable'),
    anthropic: 'api_error',
    gemini: 'UNAVAILABLE',
    ...away,
  },
  upstream_timeout: {
    status: 504,
    openai: server('upstream_timeout'),
    anthropic: 'timeout_error',
    gemini: 'DEADLINE_EXCEEDED',
    ...away,
  },
  upstream_error: {
    status: 502,
    geminiStatus: 500,
    openai: server('upstream_error'),
    anthropic: 'api_error',
    gemini: 'INTERNAL',
    ...away,
  },
  internal: {
    status: 500,
    openai: server('internal_error'),
    anthropic: 'api_error',
    gemini: 'INTERNAL',
    isRetryable: true,
    log: 'error',
  },
} as const satisfies Record<string, ErrorFacts>

export type ErrorClass = keyof typeof errorClasses

/** What one attempt at an upstream can fail with. Wider than what a client is told: `auth_upstream` is never the client's fault. */
export const upstreamErrorClasses = [
  'context_length',
  'payload_too_large',
  'content_policy',
  'state_invalid',
  'state_not_found',
  'model_unavailable',
  'auth_upstream',
  'quota_upstream',
  'rate_limited',
  'overloaded',
  'upstream_timeout',
  'upstream_error',
  'region',
  'invalid_request',
  'upstream_protocol',
] as const
export type UpstreamErrorClass = (typeof upstreamErrorClasses)[number]

/** One failed attempt, in neutral terms. `message` is the upstream's own text: for logs and, masked, for the client's own mistakes. */
export interface UpstreamError {
  readonly class: UpstreamErrorClass
  /** The upstream's HTTP status; 0 when there was no answer. */
  readonly status: number
  readonly message: string
  readonly upstreamType?: string
  readonly upstreamCode?: string
  readonly param?: string
  /** How long the upstream asked to wait, from its body (Gemini's RetryInfo); headers are read by the caller. Milliseconds. */
  readonly retryAfterMs?: number
}

/** What a client is told. */
export interface ToldError {
  readonly class: ErrorClass
  readonly message: string
  readonly param?: string
  readonly requestId: string
  /** Another HTTP status than the class's own: an address that does not exist (404), a method that it does not take (405). */
  readonly status?: number
  /** What a rate limit of ours counts; OpenAI's clients see it as the error's type. */
  readonly limited?: 'requests' | 'tokens'
  /** Milliseconds; becomes `retry-after` and Gemini's RetryInfo. */
  readonly retryAfterMs?: number
}

export interface RenderedError {
  readonly status: number
  readonly body: unknown
}

/** The HTTP status of `error` toward a client of `dialect`. */
export function errorStatus(error: ErrorClass, dialect: DialectName): number {
  const facts: ErrorFacts = errorClasses[error]
  if (dialect === 'anthropic') return facts.anthropicStatus ?? facts.status
  if (dialect === 'gemini') return facts.geminiStatus ?? facts.status
  return facts.status
}
