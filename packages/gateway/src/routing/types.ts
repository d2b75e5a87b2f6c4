import type { DialectName } from '@yumen/protocol'
import type { Operation } from '@yumen/providers'
import type { Channel, ChannelKey, Snapshot } from '#catalog'
import type { Exclusion } from './exclusion.ts'
import type { AttemptOutcome, HealthReport, Ticket } from './health.ts'

/** What routing needs to know of a request. */
export interface RouteAsk {
  /** The key's group; `auto` stands for the groups of the option `routing.autoGroups`, in their order. */
  readonly group: string
  readonly model: string
  readonly dialect: DialectName
  readonly operation: Operation
  readonly isStreaming: boolean
  /** The channel that an administrator's key names: this one or none. */
  readonly pinnedChannelId: number | undefined
  /**
   * What keeps a conversation where its prompt is cached, as 32 bits; `undefined` where nothing does. Asked for only where there is
   * a choice.
   */
  readonly affinity: () => number | undefined
}

/** Channel, key and upstream model, untried. */
export interface Candidate {
  readonly channel: Channel
  readonly key: ChannelKey
  /** The model's name at the upstream, after the channel's mapping. */
  readonly upstreamModel: string
  /** The group by which it was found: of a key in `auto` the real one, whose ratio counts. */
  readonly group: string
}

/**
 * Why there is nothing to try. `not_served`: no channel of the group lists the model, enabled or not. `no_key`: what is
 * enabled has no key that opens with the secret of this installation. `mapping_cycle`: what is left has a model mapping that leads
 * back to itself.
 */
export type NoRoute =
  | 'not_served'
  | 'none_enabled'
  | 'no_key'
  | 'dialect_unsupported'
  | 'mapping_cycle'
  | 'pinned_unknown'
  | 'pinned_disabled'

export type Plan =
  | {
      readonly kind: 'candidates'
      readonly candidates: Iterator<Candidate, undefined>
      readonly decision: Decision
    }
  | { readonly kind: 'none'; readonly reason: NoRoute }

/** What was decided on the way, for the record: it grows as candidates are picked. */
export interface Decision {
  /** Whether a sign of a conversation chose. */
  readonly hasAffinity: boolean
  /** Channels that were passed over, and why; the first few. */
  readonly passedOver: readonly { readonly channel: string; readonly reason: Exclusion['reason'] }[]
}

export interface RoutingParts {
  readonly snapshot: () => Snapshot
  /** [0, 1); seeded in tests. */
  readonly random: () => number
  /** Monotonic milliseconds. */
  readonly clock: () => number
  /** Told of what was learnt of a channel, for the other nodes. */
  readonly onReport: (report: HealthReport) => void
  readonly limits: { readonly healthEntriesMax: number }
}

export interface Routing {
  plan(ask: RouteAsk): Plan
  /** A request for the model begins: what may later be retried of it. */
  onRequest(model: string): void
  /** Whether a failed attempt may be followed by another: in a storm of failures not every one may. */
  mayRetry(model: string): boolean
  begin(candidate: Candidate): Ticket
  end(ticket: Ticket, outcome: AttemptOutcome): void
  release(ticket: Ticket): void
  /** What excludes every candidate now, for the words of a refusal; empty when something may be tried. */
  exclusions(ask: RouteAsk): readonly Excluded[]
  explain(ask: RouteAsk): Explanation
  /** All that other nodes have learned and that is still in force. */
  hear(reports: readonly HealthReport[]): void
}

/** Where a request would go now, and why not elsewhere. */
export interface Explanation {
  readonly candidates: readonly ExplainedCandidate[]
  readonly reason: NoRoute | undefined
}

export interface ExplainedCandidate {
  readonly channel: Channel
  readonly group: string
  readonly upstreamModel: string
  /** 0 is the best. */
  readonly tier: number
  /** Of the first attempts that reach its tier, what it gets: 0 … 1. With affinity one has all. */
  readonly share: number
  readonly excluded: ExplainedExclusion | undefined
  /** Excluded, and tried all the same once everything sound has failed: where nothing is sound it has its share. */
  readonly isLastResort: boolean
}

export interface Excluded<Reason = Exclusion['reason']> {
  readonly reason: Reason
  /** Milliseconds from now; `undefined` where no end is known. */
  readonly forMs: number | undefined
}

export type ExplainedExclusion = Excluded<
  Exclusion['reason'] | 'disabled' | 'no_key' | 'dialect_unsupported' | 'mapping_cycle'
>
