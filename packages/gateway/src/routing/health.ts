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

export interface HealthRules extends BreakerRules {
  /** A key that was refused, has spent its money or used up its rate without a time being named rests so long at first, twice as long after each further refusal. */
  readonly keyRestMs: number
  readonly keyRestMsMax: number
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
}

interface Rest {
  until: number
  reason: Exclusion['reason']
  /** Refusals in a row: each doubles the rest. */
  strikes: number
  /** Whether the upstream named the time: then it is kept, also when there is nobody else to ask. */
  isNamed: boolean
}

export interface ModelHealth {
  readonly breaker: Breaker
  /** Smoothed milliseconds; `undefined` before the first. */
  streamMs: number | undefined
  wholeMs: number | undefined
  samples: number
  ejection: { reason: 'slow_outlier' | 'failing_outlier'; until: number; count: number } | undefined
  rest: Rest | undefined
}

interface ChannelHealth {
  readonly revision: number
  readonly ceiling: Ceiling | undefined
  rest: Rest | undefined
  readonly keys: Map<string, Rest>
  /** By key and model: `fingerprint model`. */
  readonly keyModels: Map<string, Rest>
  readonly models: Map<string, ModelHealth>
}

/** Smoothing of latencies: the last ten attempts or so count. */
const newest = 0.2

/** Texts of a channel that rate limits may be kept for: keys × models, both the operator's; a bound for wild configurations. */
const keyModelsMax = 10_000

/**
 * What this node has learned of channels, keys and models. In memory beside the snapshot; a channel that was edited starts anew, for
 * whoever edits it wants to see it tried.
 */
export function createHealth(rules: () => HealthRules): Health {
  const channels = new Map<number, ChannelHealth>()

  function of(channel: Channel): ChannelHealth {
    const known = channels.get(channel.id)
    if (known !== undefined && known.revision === channel.revision) return known
    const fresh: ChannelHealth = {
      revision: channel.revision,
      ceiling: Ceiling.of(channel.ceilings, known?.ceiling),
      rest: undefined,
      keys: new Map(),
      keyModels: new Map(),
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
      rest: undefined,
    }
    models.set(model, fresh)
    return fresh
  }

  function find(channel: Channel, model: string): ModelHealth | undefined {
    const known = channels.get(channel.id)
    return known?.revision === channel.revision ? known.models.get(model) : undefined
  }

  /** `strikes` of an earlier rest count on: what fails again right after its rest rests longer. */
  function restOf(
    known: Rest | undefined,
    reason: Exclusion['reason'],
    named: number | undefined,
    now: number,
  ): Rest {
    const { keyRestMs, keyRestMsMax } = rules()
    const strikes = (known?.strikes ?? 0) + 1
    const ms = named ?? Math.min(keyRestMs * 2 ** (strikes - 1), keyRestMsMax)
    return { until: Math.max(known?.until ?? 0, now + ms), reason, strikes, isNamed: named !== undefined }
  }

  function failed({ channel, key, model, isProbe }: Ticket, outcome: AttemptOutcome, now: number): void {
    const health = of(channel)
    const known = modelOf(channel, model)
    if (outcome.class === 'ok' || outcome.class === 'client_gone') return
    const { retryAfterMs } = outcome
    const { modelRestMs } = rules()
    const remedy = remedies[outcome.class]
    if (remedy !== 'count') known.breaker.undecided(isProbe)
    switch (remedy) {
      case 'tell-client':
        return
      case 'count':
        known.breaker.failed(now, isProbe)
        if (retryAfterMs !== undefined && retryAfterMs > 0)
          known.rest = { until: now + retryAfterMs, reason: 'rate_limited', strikes: 1, isNamed: true }
        return
      case 'cool-key-model': {
        const name = `${key.fingerprint} ${model}`
        if (health.keyModels.size >= keyModelsMax) health.keyModels.clear()
        const rest = restOf(health.keyModels.get(name), 'rate_limited', retryAfterMs, now)
        health.keyModels.set(name, rest)
        return
      }
      case 'cool-key':
        health.keys.set(
          key.fingerprint,
          restOf(health.keys.get(key.fingerprint), 'key_out_of_quota', retryAfterMs, now),
        )
        return
      case 'suspect-key':
        health.keys.set(
          key.fingerprint,
          restOf(health.keys.get(key.fingerprint), 'key_refused', undefined, now),
        )
        return
      case 'cool-model':
        known.rest = { until: now + modelRestMs, reason: 'model_unavailable', strikes: 1, isNamed: false }
        return
      case 'cool-channel':
        health.rest = restOf(health.rest, 'region', undefined, now)
        return
    }
  }

  function succeeded({ channel, key, model, isProbe }: Ticket, outcome: AttemptOutcome, now: number): void {
    const health = of(channel)
    const known = modelOf(channel, model)
    known.breaker.succeeded(now, isProbe)
    known.samples += 1
    const name = outcome.isStreaming ? 'streamMs' : 'wholeMs'
    const before = known[name]
    known[name] = before === undefined ? outcome.ms : before + (outcome.ms - before) * newest
    known.rest = undefined
    health.rest = undefined
    if (health.keys.size > 0) health.keys.delete(key.fingerprint)
    if (health.keyModels.size > 0) health.keyModels.delete(`${key.fingerprint} ${model}`)
  }

  return {
    find,
    judge(channel, model, now) {
      const health = channels.get(channel.id)
      if (health === undefined || health.revision !== channel.revision) return undefined
      if (health.rest !== undefined && now < health.rest.until) return exclusionOf(health.rest)
      const full = health.ceiling?.judge(now)
      if (full !== undefined) return full
      const known = health.models.get(model)
      if (known === undefined) return undefined
      if (known.rest !== undefined && now < known.rest.until) return exclusionOf(known.rest)
      const { breaker, ejection } = known
      if (breaker.state(now) === 'open')
        return { reason: 'breaker_open', isSoft: true, until: breaker.openUntil }
      if (ejection !== undefined && now < ejection.until)
        return { reason: ejection.reason, isSoft: true, until: ejection.until }
      return undefined
    },
    judgeKey(channel, key, model, now) {
      const health = channels.get(channel.id)
      if (health === undefined || health.revision !== channel.revision) return undefined
      const rest = health.keys.size === 0 ? undefined : health.keys.get(key.fingerprint)
      if (rest !== undefined && now < rest.until) return exclusionOf(rest)
      if (health.keyModels.size === 0) return undefined
      const limited = health.keyModels.get(`${key.fingerprint} ${model}`)
      return limited !== undefined && now < limited.until ? exclusionOf(limited) : undefined
    },
    share: (channel, model, now) => find(channel, model)?.breaker.share(now) ?? 1,
    begin(channel, key, model, now) {
      of(channel).ceiling?.take(now)
      return { channel, key, model, isProbe: modelOf(channel, model).breaker.begin(now) }
    },
    end(ticket, outcome, now) {
      if (outcome.class === 'ok') succeeded(ticket, outcome, now)
      else if (outcome.class === 'client_gone')
        modelOf(ticket.channel, ticket.model).breaker.undecided(ticket.isProbe)
      else failed(ticket, outcome, now)
    },
    release(ticket) {
      channels.get(ticket.channel.id)?.ceiling?.give()
    },
  }
}

/** What was only concluded is soft: with nobody else to ask, an upstream that may be well again is asked. */
function exclusionOf({ reason, until, isNamed }: Rest): Exclusion {
  return { reason, isSoft: !isNamed, until }
}
