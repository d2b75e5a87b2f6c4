import type { DialectName } from '@yumen/protocol'
import type { Operation } from '@yumen/providers'
import type { Channel, ChannelKey, Snapshot } from '#catalog'

/** What routing needs to know of a request. */
export interface RouteAsk {
  readonly group: string
  readonly model: string
  readonly dialect: DialectName
  readonly operation: Operation
  readonly isStreaming: boolean
  /** The channel that an administrator's key names: this one or none. */
  readonly pinnedChannelId: number | undefined
}

/** Channel, key and upstream model, untried. */
export interface Candidate {
  readonly channel: Channel
  readonly key: ChannelKey
  /** The model's name at the upstream, after the channel's mapping. */
  readonly upstreamModel: string
}

/**
 * Why there is nothing to try. `not_served`: no channel of the group lists the model, enabled or not. `no_key`: what is
 * enabled has no key that opens with the secret of this installation.
 */
export type NoRoute =
  | 'not_served'
  | 'none_enabled'
  | 'no_key'
  | 'dialect_unsupported'
  | 'pinned_unknown'
  | 'pinned_disabled'

export type Plan =
  | { readonly kind: 'candidates'; readonly candidates: Iterator<Candidate, undefined> }
  | { readonly kind: 'none'; readonly reason: NoRoute }

export interface RoutingParts {
  readonly snapshot: () => Snapshot
  /** [0, 1); seeded in tests. */
  readonly random: () => number
}

export interface Routing {
  plan(ask: RouteAsk): Plan
}
