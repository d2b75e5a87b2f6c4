import type { IncomingMessage } from 'node:http'
import type { Channel, Snapshot } from '#catalog'
import type { Limits } from '#config'
import type { Keyring } from '#identity'
import type { Journal, SettledRecord } from '#journal'
import type { Limiter, Refusal } from '#limiting'
import type { Routing } from '#routing'
import type { BodyRead } from './incoming/body.ts'
import type { Shares } from './incoming/shares.ts'
import type { Roster } from './roster.ts'
import type { SensitiveCheck } from './sensitive/index.ts'
import type { LiveStream } from './stream.ts'
import type { TokenCounter } from './tokens/token-counter.ts'
import type { UpstreamCall } from './upstream/call.ts'
import type { Connections } from './upstream/connections.ts'

/** What the composition root hands to the relay. */
export interface RelayServices {
  readonly keyring: Keyring
  readonly snapshot: () => Snapshot
  readonly routing: Routing
  readonly limiter: Limiter
  readonly journal: Journal
  readonly connections: Connections
  readonly counter: TokenCounter
  readonly limits: Limits
  /** Monotonic milliseconds. */
  readonly clock: () => number
  /** Milliseconds UTC. */
  readonly now: () => number
  /** A new ULID. */
  readonly makeId: () => string
  /** Mean delay of the event loop since this was last asked, milliseconds. */
  readonly loopDelayMs: () => number
  readonly observer: RelayObserver
}

/** What telemetry hears of the relay. */
export interface RelayObserver {
  onSettled(record: SettledRecord): void
  /** A request that ended before its caller was known: it is on no record. */
  onRefused(refusal: {
    readonly requestId: string
    readonly dialect: string
    readonly class: string
    readonly status: number
  }): void
  onRateLimited(refusal: Refusal): void
  onShed(limit: string): void
  onBug(requestId: string, error: unknown): void
}

/** The services with the relay's own state: everything that one request needs. */
export interface RelayParts extends RelayServices {
  readonly shares: Shares
  readonly reads: Roster<BodyRead>
  readonly calls: Roster<UpstreamCall>
  readonly streams: Roster<LiveStream>
  readonly onSettled: (record: SettledRecord) => void
  readonly onBug: (error: unknown) => void
  /** Channels whose upstream refuses to be asked for a stream's usage. */
  readonly usageRefusers: WeakSet<Channel>
  /** @throws GatewayError `content_policy` */
  readonly checkSensitive: SensitiveCheck
  readonly clientIp: (request: IncomingMessage) => string
  /** @throws GatewayError `shed` while nothing new can be taken */
  readonly checkAccepting: () => void
}
