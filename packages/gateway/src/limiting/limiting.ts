import type { Limits } from '#config'
import { costWithin } from './gcra.ts'
import { LocalBuckets, shareOf } from './local-buckets.ts'
import { compileRules, type Rules } from './rules.ts'
import type {
  Admission,
  Bucket,
  Correction,
  LimitedCaller,
  LimitOptions,
  Seat,
  Take,
  Taken,
} from './types.ts'
import { findRefusal, standingOf } from './verdict.ts'

/** Buckets that several nodes have in common. */
export interface SharedBuckets {
  readonly isAvailable: boolean
  take(ask: Take, seat: string): Promise<Taken | undefined>
  hold(seat: string, buckets: readonly Bucket[]): void
  end(seat: string, buckets: readonly Bucket[], corrections: readonly Correction[]): void
  close(): Promise<void>
}

export interface LimiterParts {
  /** The options in force: another object when they have changed. */
  readonly options: () => LimitOptions
  readonly limits: Pick<Limits, 'rateBucketsMax' | 'rateSweepMs' | 'rateSweepMax' | 'concurrencyRetryMs'>
  /** Monotonic milliseconds. */
  readonly clock: () => number
  /** Milliseconds UTC. */
  readonly now: () => number
  /** Living nodes, which share the limits where they have no Redis in common. */
  readonly nodes: () => number
  readonly nodeId: string
  readonly shared?: SharedBuckets | undefined
}

/** Rates and places of keys, users and organisations. */
export interface Limiter {
  /**
   * Takes every limit of the caller or none; `undefined` when it has none. At once, but for a wait of some milliseconds where
   * the nodes share their limits in Redis. `tokens`: what the request is reckoned to cost at most.
   */
  admit(
    caller: LimitedCaller,
    ask: { readonly model: string; readonly tokens: number },
  ): Admission | Promise<Admission> | undefined
  /** Limits that are kept in memory just now. */
  readonly size: number
  close(): Promise<void>
}

export function createLimiter(parts: LimiterParts): Limiter {
  const local = new LocalBuckets(parts.limits)
  const engine: Engine = { ...parts, local, tick: () => Math.floor(parts.clock()) }
  let compiled: { readonly from: LimitOptions; readonly rules: Rules } | undefined
  let seats = 0
  const timer = setInterval(() => local.sweep(engine.tick()), parts.limits.rateSweepMs)
  timer.unref()

  function rulesNow(): Rules {
    const options = parts.options()
    if (compiled?.from !== options) compiled = { from: options, rules: compileRules(options) }
    return compiled.rules
  }

  return {
    admit(caller, { model, tokens }) {
      const rules = rulesNow()
      if (rules.isEmpty && caller.rateLimit === undefined) return undefined
      const take: Take = { buckets: rules.bucketsOf(caller, model), tokens }
      if (take.buckets.length === 0) return undefined
      const { shared } = parts
      if (shared === undefined) return admitLocally(engine, take, '')
      const seat = `${parts.nodeId}:${++seats}`
      return shared.isAvailable ? admitShared(engine, shared, take, seat) : admitLocally(engine, take, seat)
    },
    get size() {
      return local.size
    },
    async close() {
      clearInterval(timer)
      await parts.shared?.close()
    },
  }
}

interface Engine extends LimiterParts {
  readonly local: LocalBuckets
  /** Whole milliseconds. */
  readonly tick: () => number
}

function admitLocally(engine: Engine, take: Take, seat: string): Admission {
  const nodes = engine.nodes()
  const taken = engine.local.take(take, engine.tick(), nodes)
  if (taken.isTaken) engine.shared?.hold(seat, take.buckets)
  return judge(engine, taken, { take, seat, nodes, isShared: false })
}

async function admitShared(
  engine: Engine,
  shared: SharedBuckets,
  take: Take,
  seat: string,
): Promise<Admission> {
  const taken = await shared.take(take, seat)
  if (taken === undefined) return admitLocally(engine, take, seat)
  const nodes = engine.nodes()
  if (taken.isTaken) {
    shared.hold(seat, take.buckets)
    // So that this node goes on where it stands, and does not begin anew, when Redis goes away.
    engine.local.note(take, engine.tick(), nodes)
  }
  return judge(engine, taken, { take, seat, nodes, isShared: true })
}

/** What is held, and where. */
interface Held {
  readonly take: Take
  readonly seat: string
  /** Nodes that shared the limits in this process when it was taken. */
  readonly nodes: number
  /** Whether Redis has it too. */
  readonly isShared: boolean
}

function judge(engine: Engine, taken: Taken, held: Held): Admission {
  const standing = standingOf(held.take, taken, engine.now())
  if (taken.isTaken) return { kind: 'admitted', seat: new TakenSeat(engine, held), standing }
  const refusal = findRefusal(held.take, taken, engine.limits.concurrencyRetryMs)
  return { kind: 'refused', refusal, standing }
}

class TakenSeat implements Seat {
  readonly #engine: Engine
  readonly #held: Held
  #cost: Cost | undefined
  #isEnded = false

  constructor(engine: Engine, held: Held) {
    this.#engine = engine
    this.#held = held
  }

  settle(cost: Cost): void {
    this.#cost ??= cost
  }

  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    const { local, shared, tick, nodes } = this.#engine
    const { take, seat, isShared } = this.#held
    const now = tick()
    for (const correction of correctionsOf(take, this.#cost, this.#held.nodes))
      local.correct(correction, now, nodes())
    for (const bucket of take.buckets) if (bucket.kind === 'seats') local.free(bucket.name)
    shared?.end(seat, take.buckets, isShared ? correctionsOf(take, this.#cost, 1) : [])
  }
}

interface Cost {
  readonly tokens: number
  readonly isSuccess: boolean
}

/** From what was reserved to what it did cost. Without a settlement nobody knows: the reserved stays. */
function correctionsOf(take: Take, cost: Cost | undefined, nodes: number): readonly Correction[] {
  if (cost === undefined) return []
  return take.buckets.flatMap(bucket => {
    if (bucket.kind === 'seats') return []
    const units = unitsOff(bucket, { reserved: costWithin(take.tokens, shareOf(bucket, nodes)), cost })
    return units === 0 ? [] : [{ bucket, units }]
  })
}

function unitsOff(
  bucket: Correction['bucket'],
  { reserved, cost }: { readonly reserved: number; readonly cost: Cost },
): number {
  switch (bucket.unit) {
    case 'requests':
      return 0
    case 'successes':
      return cost.isSuccess ? 0 : -1
    case 'tokens':
      return cost.tokens - reserved
  }
}
