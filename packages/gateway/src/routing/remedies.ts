import type { UpstreamErrorClass } from '@yumen/protocol'

/**
 * What a failed attempt says, and of whom. `tell-client`: of the request, which no other upstream would take. All others move
 * on to the next candidate, and:
 * - `count`: count against the channel for this model; many in a row open its breaker.
 * - `cool-key-model`: the key has had its share of this model for a while.
 * - `cool-key`: the key is out of money; for a while, longer each time.
 * - `suspect-key`: the key is refused; for a while, longer each time.
 * - `cool-model`: the channel does not have the model.
 * - `cool-channel`: the upstream does not serve from here at all.
 */
export type Remedy =
  | 'tell-client'
  | 'count'
  | 'cool-key-model'
  | 'cool-key'
  | 'suspect-key'
  | 'cool-model'
  | 'cool-channel'

/** The one table of failures: classes by status, code, words and transport are `protocol`'s. A new class does not compile until it is here. */
export const remedies = {
  context_length: 'tell-client',
  payload_too_large: 'tell-client',
  content_policy: 'tell-client',
  state_invalid: 'tell-client',
  state_not_found: 'tell-client',
  invalid_request: 'tell-client',
  model_unavailable: 'cool-model',
  auth_upstream: 'suspect-key',
  quota_upstream: 'cool-key',
  rate_limited: 'cool-key-model',
  overloaded: 'count',
  upstream_timeout: 'count',
  upstream_error: 'count',
  upstream_protocol: 'count',
  region: 'cool-channel',
} as const satisfies Record<UpstreamErrorClass, Remedy>
