import type { UpstreamErrorClass } from '@yumen/protocol'
import type { Channel, ChannelKey } from '#catalog'
import { Breaker, type BreakerRules } from './breaker.ts'
import { Ceiling } from './ceiling.ts'
import type { Exclusion } from './exclusion.ts'
import { remedies } from './remedies.ts'

/** How an attempt ended, as far as health is concerned. */
export interface AttemptOutcome {
  readonly class: 'ok' | 'client_gone' | UpstreamErrorClass
  readonly retryAfterMs?: number | undefined
  /** Milliseconds to the first content of a stream, or to the whole answer. */
  readonly ms: number
  readonly isStreaming: boolean
}

/** An attempt under way: what `end` has to be told back. */
export interface Ticket {
  readonly channel: Channel
  readonly key: ChannelKey
  readonly model: string
  readonly isProbe: boolean
}

/** What one node tells the others. '' stands for every key, every model; `forMs` 0: it is well again. */
export interface HealthReport {
  readonly channelId: number
  readonly keyFingerprint: string
  readonly model: string
  readonly reason: string
  readonly isNamed: boolean
  readonly forMs: number
}

export interface HealthRules extends BreakerRules {
  /** A key that was refused, has spent its money or used up its rate without a time being named rests so long at first, twice as long after each further refusal. */
  readonly restMs: number
  readonly restMsMax: number
  readonly modelRestMs: number
}

export interface Health {
  /** Why `channel` gets no request for `model`; `undefined` when it may. */
  judge(channel: Channel, model: string, now: number): Exclusion | undefined
  judgeKey(channel: Channel, key: ChannelKey, model: string, now: number): Exclusion | undefined
  /** Of its weight, what the channel gets now: 1, or less after its return. */
  share(channel: Channel, model: string, now: number): number
  begin(channel: Channel, key: ChannelKey, model: string, now: number): Ticket
  end(ticket: Ticket, outcome: AttemptOutcome, now: number): void
  /** The call is over, with the last byte of its answer: it holds no place any more. */
  release(ticket: Ticket): void
  /** What is known of the channel for the model; `undefined` while nothing was tried. */
  find(channel: Channel, model: string): ModelHealth | undefined
  /** Before all that the others say now is heard anew. */
  forgetHeard(): void
  /** What another node has learned of the channel. */
  hear(channel: Channel, report: HealthReport, now: number): void
}

interface Rest {
  readonly until: number
  readonly reason: Exclusion['reason']
  /** Refusals in a row: each doubles the rest. */
  readonly strikes: number
  /** Whether the upstream named the time: then it is kept, also when there is nobody else to ask. */
  readonly isNamed: boolean
  /** Another node's word: it holds as long as that node says so. */
  readonly isHeard?: true
}

export interface ModelHealth {
  readonly breaker: Breaker
  /** Smoothed milliseconds; `undefined` before the first. */
  streamMs: number | undefined
  wholeMs: number | undefined
  samples: number
  ejection: { reason: 'slow_outlier' | 'failing_outlier'; until: number; count: number } | undefined
}

/** What rests: a key, a model, one of them with the other, or, both empty, the channel. */
interface Place {
  readonly fingerprint: string
  readonly model: string
}

interface ChannelHealth {
  readonly revision: number
  readonly ceiling: Ceiling | undefined
  /** By place. Empty of most channels at most times. */
  readonly rests: Map<string, Rest>
  readonly models: Map<string, ModelHealth>
}

/** Smoothing of latencies: the last ten attempts or so count. */
const newest = 0.2

/** Keys × models of a channel are the operator's; a bound for wild configurations. */
const restsMax = 10_000

/**
 * What this node has learned of channels, keys and models. In memory beside the snapshot; a channel that was edited starts anew, for
 * whoever edits it wants to see it tried.
 */
export function createHealth(rules: () => HealthRules, onReport: (report: HealthReport) => void): Health {
  const channels = new Map<number, ChannelHealth>()

  function of(channel: Channel): ChannelHealth {
    const known = channels.get(channel.id)
    if (known !== undefined && known.revision === channel.revision) return known
    const fresh: ChannelHealth = {
      revision: channel.revision,
      ceiling: Ceiling.of(channel.ceilings, known?.ceiling),
      rests: new Map(),
      models: new Map(),
    }
    channels.set(channel.id, fresh)
    return fresh
  }

  function modelOf(channel: Channel, model: string): ModelHealth {
    const { models } = of(channel)
    const known = models.get(model)
    if (known !== undefined) return known
    const fresh: ModelHealth = {
      breaker: new Breaker(rules()),
      streamMs: undefined,
      wholeMs: undefined,
      samples: 0,
      ejection: undefined,
    }
    models.set(model, fresh)
    return fresh
  }

  function find(channel: Channel, model: string): ModelHealth | undefined {
    const known = channels.get(channel.id)
    return known?.revision === channel.revision ? known.models.get(model) : undefined
  }

  function report(
    channel: Channel,
    { fingerprint, model }: Place,
    { reason, isNamed }: Told,
    forMs: number,
  ): void {
    onReport({ channelId: channel.id, keyFingerprint: fingerprint, model, reason, isNamed, forMs })
  }

  /** `strikes` of an earlier rest count on: what fails again right after its rest rests longer. */
  function rest(
    channel: Channel,
    place: Place,
    told: Told & { readonly ms: number | undefined },
    now: number,
  ): void {
    const { rests } = of(channel)
    const name = nameOf(place)
    const known = rests.get(name)
    const strikes = (known?.strikes ?? 0) + 1
    const { restMs, restMsMax } = rules()
    const ms = told.ms ?? Math.min(restMs * 2 ** (strikes - 1), restMsMax)
    const until = Math.max(known?.until ?? 0, now + ms)
    if (rests.size >= restsMax) rests.clear()
    rests.set(name, { until, reason: told.reason, strikes, isNamed: told.isNamed })
    report(channel, place, told, until - now)
  }

  function forgive(channel: Channel, place: Place): void {
    const { rests } = of(channel)
    const name = nameOf(place)
    const known = rests.get(name)
    if (known === undefined) return
    rests.delete(name)
    report(channel, place, known, 0)
  }

  function failed({ channel, key, model, isProbe }: Ticket, outcome: Failure, now: number): void {
    const { breaker } = modelOf(channel, model)
    const { fingerprint } = key
    const { retryAfterMs: ms } = outcome
    const isNamed = ms !== undefined
    const remedy = remedies[outcome.class]
    if (remedy !== 'count') breaker.undecided(isProbe)
    switch (remedy) {
      case 'tell-client':
        return
      case 'count': {
        breaker.failed(now, isProbe)
        const { openUntil } = breaker
        if (openUntil !== undefined && openUntil > now)
          report(
            channel,
            { fingerprint: '', model },
            { reason: 'breaker_open', isNamed: false },
            openUntil - now,
          )
        if (isNamed && ms > 0)
          rest(channel, { fingerprint: '', model }, { reason: 'rate_limited', isNamed, ms }, now)
        return
      }
      case 'cool-key-model':
        rest(channel, { fingerprint, model }, { reason: 'rate_limited', isNamed, ms }, now)
        return
      case 'cool-key':
        rest(channel, { fingerprint, model: '' }, { reason: 'key_out_of_quota', isNamed, ms }, now)
        return
      case 'suspect-key': {
        const told = { reason: 'key_refused', isNamed: false, ms: undefined } as const
        rest(channel, { fingerprint, model: '' }, told, now)
        return
      }
      case 'cool-model': {
        const told = { reason: 'model_unavailable', isNamed: false, ms: rules().modelRestMs } as const
        rest(channel, { fingerprint: '', model }, told, now)
        return
      }
      case 'cool-channel':
        rest(channel, wholeChannel, { reason: 'region', isNamed: false, ms: undefined }, now)
        return
    }
  }

  function succeeded({ channel, key, model, isProbe }: Ticket, outcome: AttemptOutcome, now: number): void {
    const known = modelOf(channel, model)
    known.breaker.succeeded(now, isProbe)
    if (isProbe) report(channel, { fingerprint: '', model }, { reason: 'breaker_open', isNamed: false }, 0)
    known.samples += 1
    const name = outcome.isStreaming ? 'streamMs' : 'wholeMs'
    const before = known[name]
    known[name] = before === undefined ? outcome.ms : before + (outcome.ms - before) * newest
    if (of(channel).rests.size === 0) return
    for (const fingerprint of ['', key.fingerprint]) {
      for (const name of ['', model]) forgive(channel, { fingerprint, model: name })
    }
  }

  function restAt(channel: Channel, place: Place, now: number): Exclusion | undefined {
    const health = channels.get(channel.id)
    if (health === undefined || health.rests.size === 0 || health.revision !== channel.revision)
      return undefined
    const found = health.rests.get(nameOf(place))
    return found !== undefined && now < found.until ? exclusionOf(found) : undefined
  }

  return {
    find,
    judge(channel, model, now) {
      const health = channels.get(channel.id)
      if (health === undefined || health.revision !== channel.revision) return undefined
      if (health.rests.size > 0) {
        const resting = restAt(channel, wholeChannel, now) ?? restAt(channel, { fingerprint: '', model }, now)
        if (resting !== undefined) return resting
      }
      const full = health.ceiling?.judge(now)
      if (full !== undefined) return full
      const known = health.models.get(model)
      if (known === undefined) return undefined
      const { breaker, ejection } = known
      if (breaker.state(now) === 'open')
        return { reason: 'breaker_open', isSoft: true, until: breaker.openUntil }
      if (ejection !== undefined && now < ejection.until)
        return { reason: ejection.reason, isSoft: true, until: ejection.until }
      return undefined
    },
    judgeKey(channel, { fingerprint }, model, now) {
      const health = channels.get(channel.id)
      if (health === undefined || health.rests.size === 0) return undefined
      return restAt(channel, { fingerprint, model: '' }, now) ?? restAt(channel, { fingerprint, model }, now)
    },
    forgetHeard() {
      for (const { rests } of channels.values())
        for (const [name, { isHeard }] of rests) if (isHeard) rests.delete(name)
    },
    hear(channel, { keyFingerprint, model, reason, isNamed, forMs }, now) {
      const known = reasons.find(name => name === reason)
      const { rests } = of(channel)
      const name = nameOf({ fingerprint: keyFingerprint, model })
      const own = rests.get(name)
      // A newer program may know more reasons; what this node has found out itself for longer stays.
      if (known === undefined || rests.size >= restsMax || (own !== undefined && own.until >= now + forMs))
        return
      rests.set(name, {
        until: now + forMs,
        reason: known,
        strikes: own?.strikes ?? 0,
        isNamed,
        isHeard: true,
      })
    },
    share: (channel, model, now) => find(channel, model)?.breaker.share(now) ?? 1,
    begin(channel, key, model, now) {
      of(channel).ceiling?.take(now)
      return { channel, key, model, isProbe: modelOf(channel, model).breaker.begin(now) }
    },
    end(ticket, outcome, now) {
      const { class: end, ...rest } = outcome
      if (end === 'ok') succeeded(ticket, outcome, now)
      else if (end === 'client_gone') modelOf(ticket.channel, ticket.model).breaker.undecided(ticket.isProbe)
      else failed(ticket, { ...rest, class: end }, now)
    },
    release(ticket) {
      channels.get(ticket.channel.id)?.ceiling?.give()
    },
  }
}

type Told = Pick<Rest, 'reason' | 'isNamed'>
type Failure = Omit<AttemptOutcome, 'class'> & { readonly class: UpstreamErrorClass }

const wholeChannel: Place = { fingerprint: '', model: '' }
const nameOf = ({ fingerprint, model }: Place) => `${fingerprint} ${model}`
/** What another node may tell. */
const reasons: readonly Exclusion['reason'][] = [
  'key_refused',
  'key_out_of_quota',
  'rate_limited',
  'region',
  'model_unavailable',
  'breaker_open',
]

/** What was only concluded is soft: with nobody else to ask, an upstream that may be well again is asked. */
function exclusionOf({ reason, until, isNamed }: Rest): Exclusion {
  return { reason, isSoft: !isNamed, until }
}
