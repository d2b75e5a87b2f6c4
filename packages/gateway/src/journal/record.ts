import type { PackedUsage, UsageSource } from '@yumen/protocol'

/** One attempt as the record keeps it. Contract of `requests show --json`. */
export interface AttemptRecord {
  readonly channel: string
  readonly channelId: number
  readonly keyFingerprint: string
  /** `ok`, or the upstream error class; `override_failed` where the upstream was not asked. */
  readonly class: string
  /** Which operation of the channel's setting could not be done. */
  readonly detail?: string
  /** The upstream's status; 0 when it gave none. */
  readonly status: number
  readonly ms: number
  /** Whether the upstream may bill it although it failed here: the body was sent and no refusal came. */
  readonly mayBeBilled?: boolean
  /** What it may cost then, USD with nine digits: the prompt at the model's price, counted roughly. The client does not pay it. */
  readonly estimatedCost?: string | undefined
  /** The upstream's own request id, for support cases. */
  readonly upstreamId?: string
}

/** Milliseconds since the request arrived. */
export interface Timings {
  readonly authenticated: number
  readonly bodyRead: number
  readonly planned: number
  /** The upstream's head that was accepted. */
  readonly headed?: number
  /** The first content byte toward the client: the commit point. */
  readonly firstByte?: number
  readonly ended: number
}

/** All that is known of one request at its end, or, of one that is under way, so far. */
export interface RequestFacts {
  /** ULID: id of the request, of its charge and of its receipt; `x-request-id`. */
  readonly id: string
  /** Arrival, milliseconds UTC. */
  readonly time: number
  readonly accountId: number
  readonly apiKeyId: number
  readonly group: string
  readonly dialect: string
  readonly operation: string
  readonly isStreaming: boolean
  /** The client's name of the model. */
  readonly model: string
  readonly upstreamModel?: string
  readonly channel?: string
  readonly channelId?: number
  readonly clientIp?: string
  readonly attempts: readonly AttemptRecord[]
  /** A sign of a conversation chose among the channels. */
  readonly affinity?: boolean
  /** Channels that might have served it and were passed over, and why; the first few. */
  readonly passedOver?: readonly { readonly channel: string; readonly reason: string }[]
  readonly usage?: PackedUsage
  readonly source?: UsageSource
  readonly warnings?: readonly string[]
}

/** What a request costs. `amount` in nano-dollars, as decimal digits: JSON has no bigint. */
export interface ChargeFacts {
  readonly amount: string
  readonly priceVersion?: number
  readonly ratio: string
}

/**
 * Records of the journal. A request that lives long enough to be worth it has `progress` records; every request ends with
 * exactly one `settled`. Replay settles the last `progress` of a request that has no `settled`.
 */
export type JournalRecord = ProgressRecord | SettledRecord

export interface ProgressRecord {
  readonly kind: 'progress'
  readonly facts: RequestFacts
  readonly charge: ChargeFacts
  /** As of this moment. Records of the first versions have none. */
  readonly timings?: Timings
}

export interface SettledRecord {
  readonly kind: 'settled'
  readonly facts: RequestFacts
  readonly charge: ChargeFacts
  readonly class: string
  readonly status: number
  readonly timings: Timings
}

/** A record with its place: `seq` rises by one within a node. */
export interface NumberedRecord {
  readonly seq: number
  readonly record: JournalRecord
}
