import { packUsage, type Usage, type UsageSource } from '@yumen/protocol'
import type { PriceVersion } from '#catalog'
import type { CallerKey } from '#identity'
import type { AttemptRecord, RequestFacts, Timings } from '#journal'
import type { Seat, Standing } from '#limiting'
import type { Candidate, Decision } from '#routing'
import type { Target } from './route.ts'
import type { Facts } from './scan.ts'

/** What a request binds at its admission and keeps to its end, whatever changes meanwhile. */
export interface Terms {
  readonly priceVersion: PriceVersion | undefined
  readonly group: string
  readonly ratio: { readonly num: bigint; readonly den: bigint }
  readonly ratioText: string
}

/** Everything that is learned of one request on its way: each step writes its own part, the record is made from it. */
export class RequestLog {
  readonly id: string
  /** Arrival, milliseconds UTC. */
  readonly time: number
  /** Arrival on the relay's own clock. */
  readonly startedAt: number
  readonly target: Target
  readonly attempts: AttemptRecord[] = []
  readonly warnings: string[] = []
  caller: CallerKey | undefined
  facts: Facts | undefined
  terms: Terms | undefined
  decision: Decision | undefined
  /** Its places and what it took of its caller's rates; `undefined` for a caller without limits. */
  seat: Seat | undefined
  /** How the caller's limits stood at the admission. */
  standing: Standing | undefined
  /** The candidate that answered. */
  candidate: Candidate | undefined
  readonly #clock: () => number
  readonly #timings: { -readonly [Name in keyof Timings]?: Timings[Name] } = {}

  constructor(parts: { id: string; time: number; target: Target; clock: () => number }) {
    this.id = parts.id
    this.time = parts.time
    this.target = parts.target
    this.#clock = parts.clock
    this.startedAt = parts.clock()
  }

  /** Milliseconds since the arrival. */
  get elapsed(): number {
    return this.#clock() - this.startedAt
  }

  /** Notes when a step was done; the first time counts. */
  mark(step: Exclude<keyof Timings, 'ended'>): void {
    this.#timings[step] ??= round(this.elapsed)
  }

  timings(): Timings {
    const ended = round(this.elapsed)
    const { authenticated = ended, bodyRead = ended, planned = ended, ...later } = this.#timings
    return { authenticated, bodyRead, planned, ...later, ended }
  }

  get firstByteMs(): number | undefined {
    return this.#timings.firstByte
  }

  /** The record's facts with the usage of this moment. Only for requests whose caller is known. */
  toFacts(caller: CallerKey, usage: Usage | undefined, source: UsageSource | undefined): RequestFacts {
    const { candidate } = this
    return {
      id: this.id,
      time: this.time,
      accountId: caller.accountId,
      apiKeyId: caller.id,
      group: this.terms?.group ?? caller.group,
      dialect: this.target.dialect,
      operation: this.target.operation,
      isStreaming: this.facts?.isStreaming ?? this.target.pathStreams,
      model: this.facts?.model ?? this.target.pathModel ?? '',
      ...(candidate !== undefined && {
        upstreamModel: candidate.upstreamModel,
        channel: candidate.channel.name,
        channelId: candidate.channel.id,
      }),
      attempts: this.attempts,
      ...decisionOf(this.decision),
      ...(usage !== undefined && { usage: packUsage(usage) }),
      ...(source !== undefined && { source }),
      ...(this.warnings.length > 0 && { warnings: this.warnings }),
    }
  }
}

/** Most requests go to the first best: nothing is said of them. */
function decisionOf(decision: Decision | undefined): Pick<RequestFacts, 'affinity' | 'passedOver'> {
  if (decision === undefined) return {}
  return {
    ...(decision.hasAffinity && { affinity: true }),
    ...(decision.passedOver.length > 0 && { passedOver: decision.passedOver }),
  }
}

/** Microseconds are enough, and keep the record short. */
function round(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000
}
