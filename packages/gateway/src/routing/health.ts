import type { UpstreamErrorClass } from '@yumen/protocol'
import type { Channel, ChannelKey } from '#catalog'
import { type Attempted, Breaker, type BreakerRules } from './breaker.ts'
import { Ceiling } from './ceiling.ts'
import type { Exclusion } from './exclusion.ts'
import { remedies } from './remedies.ts'
import { type Place, type Refusal, type RestRules, Rests, setBounded, wholeChannel } from './rests.ts'

/** How an attempt ended, as far as health is concerned. */
export interface AttemptOutcome {
  /** `undecided`: the client left or the gateway had no room; nothing is learnt of the upstream. */
  readonly class: 'ok' | 'undecided' | UpstreamErrorClass
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
  /** Its place in the order of all beginnings and ends: what was learnt meanwhile is newer than its answer. */
  readonly began: number
}

/** What one node tells the others. '' stands for every key, every model; `forMs` 0: it is well again. */
export interface HealthReport {
  readonly channelId: number
  /** Of the channel, as it was when this was learnt: an edited one starts anew. */
  readonly channelRevision: number
  readonly keyFingerprint: string
  readonly model: string
  readonly reason: string
  readonly isNamed: boolean
  readonly forMs: number
}

export interface HealthRules extends BreakerRules, RestRules {
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
  /** Drops what is known of channels that are no more. */
  keepOnly(channels: ReadonlyMap<number, unknown>): void
  /** Before all that the others say now is heard anew. */
  forgetHeard(): void
  /** What another node has learned of the channel. */
  hear(channel: Channel, report: HealthReport, now: number): void
}

export interface ModelHealth {
  readonly breaker: Breaker
  /** Smoothed milliseconds; `undefined` before the first. */
  streamMs: number | undefined
  wholeMs: number | undefined
  samples: number
  ejection: { reason: 'slow_outlier' | 'failing_outlier'; until: number; count: number } | undefined
}

interface ChannelHealth {
  readonly revision: number
  readonly ceiling: Ceiling
  readonly rests: Rests
  readonly models: Map<string, ModelHealth>
}

/** Smoothing of latencies: the last ten attempts or so count. */
const newest = 0.2

export interface HealthParts {
  readonly rules: () => HealthRules
  /** Models, and places that rest, that are known of one channel. */
  readonly entriesMax: number
  readonly onReport: (report: HealthReport) => void
}

/**
 * What this node has learned of channels, keys and models. In memory beside the snapshot; a channel that was edited starts anew, for
 * whoever edits it wants to see it tried.
 */
export function createHealth({ rules, entriesMax, onReport }: HealthParts): Health {
  const channels = new Map<number, ChannelHealth>()
  let order = 0

  /** A request may still hold the channel as it was before an edit: what is known does not go back to it. */
  function find(channel: Channel): ChannelHealth | undefined {
    const known = channels.get(channel.id)
    return known !== undefined && known.revision >= channel.revision ? known : undefined
  }

  function of(channel: Channel): ChannelHealth {
    const known = find(channel)
    if (known !== undefined) return known
    const fresh: ChannelHealth = {
      revision: channel.revision,
      ceiling: new Ceiling(channel.ceilings, channels.get(channel.id)?.ceiling),
      rests: new Rests(entriesMax),
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
      breaker: new Breaker(rules),
      streamMs: undefined,
      wholeMs: undefined,
      samples: 0,
      ejection: undefined,
    }
    setBounded(models, model, fresh, entriesMax)
    return fresh
  }

  /** The others hear what is in force of the place now; nothing, where nothing is. */
  function tell(
    channel: Channel,
    { fingerprint, model }: Place,
    exclusion: Exclusion | undefined,
    now: number,
  ) {
    onReport({
      channelId: channel.id,
      channelRevision: channel.revision,
      keyFingerprint: fingerprint,
      model,
      reason: exclusion?.reason ?? 'rate_limited',
      isNamed: exclusion !== undefined && !exclusion.isSoft,
      forMs: exclusion?.until === undefined ? 0 : Math.max(0, exclusion.until - now),
    })
  }

  function rest(ticket: Ended, place: Place, told: Pick<Refusal, 'reason' | 'ms'>, now: number): void {
    const { channel, began, ended } = ticket
    const { rests } = of(channel)
    rests.rest(place, { ...told, began, ended }, now, rules())
    tell(channel, place, rests.find(place, now), now)
  }

  function failed(ticket: Ended, outcome: Failure, now: number): void {
    const { channel, key, model, isProbe } = ticket
    const { breaker } = modelOf(channel, model)
    const { fingerprint } = key
    const { retryAfterMs: ms } = outcome
    const remedy = remedies[outcome.class]
    if (remedy !== 'count') breaker.undecided(isProbe)
    switch (remedy) {
      case 'tell-client':
        return
      case 'count': {
        breaker.failed(now, ticket)
        const { openUntil } = breaker
        const place = { fingerprint: '', model }
        if (openUntil !== undefined && openUntil > now)
          tell(channel, place, { reason: 'breaker_open', isSoft: true, until: openUntil }, now)
        if (ms !== undefined && ms > 0) rest(ticket, place, { reason: 'overloaded', ms }, now)
        return
      }
      case 'cool-key-model':
        rest(ticket, { fingerprint, model }, { reason: 'rate_limited', ms }, now)
        return
      case 'cool-key':
        rest(ticket, { fingerprint, model: '' }, { reason: 'key_out_of_quota', ms }, now)
        return
      case 'suspect-key':
        rest(ticket, { fingerprint, model: '' }, { reason: 'key_refused', ms: undefined }, now)
        return
      case 'cool-model':
        restModel(ticket, now)
        return
      case 'cool-channel':
        rest(ticket, wholeChannel, { reason: 'region', ms: undefined }, now)
        return
    }
  }

  /** For a time of its own, that doubles likewise. */
  function restModel(ticket: Ended, now: number): void {
    const { channel, model, began, ended } = ticket
    const place = { fingerprint: '', model }
    const { rests } = of(channel)
    const own = { ...rules(), restMs: rules().modelRestMs }
    rests.rest(place, { reason: 'model_unavailable', ms: undefined, began, ended }, now, own)
    tell(channel, place, rests.find(place, now), now)
  }

  function succeeded(ticket: Ended, outcome: AttemptOutcome, now: number): void {
    const { channel, key, model, began } = ticket
    const known = modelOf(channel, model)
    if (known.breaker.succeeded(now, ticket)) tell(channel, { fingerprint: '', model }, undefined, now)
    known.samples += 1
    const name = outcome.isStreaming ? 'streamMs' : 'wholeMs'
    const before = known[name]
    known[name] = before === undefined ? outcome.ms : before + (outcome.ms - before) * newest
    const { rests } = of(channel)
    if (rests.isEmpty) return
    for (const fingerprint of ['', key.fingerprint]) {
      for (const name of ['', model]) {
        const place = { fingerprint, model: name }
        if (rests.forgive(place, began, now)) tell(channel, place, rests.find(place, now), now)
      }
    }
  }

  return {
    find: (channel, model) => find(channel)?.models.get(model),
    judge(channel, model, now) {
      const health = find(channel)
      if (health === undefined) return undefined
      const { rests } = health
      if (!rests.isEmpty) {
        const resting = rests.find(wholeChannel, now) ?? rests.find({ fingerprint: '', model }, now)
        if (resting !== undefined) return resting
      }
      const full = health.ceiling.judge(now)
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
      const rests = find(channel)?.rests
      if (rests === undefined || rests.isEmpty) return undefined
      return rests.find({ fingerprint, model: '' }, now) ?? rests.find({ fingerprint, model }, now)
    },
    forgetHeard() {
      for (const { rests } of channels.values()) rests.forgetHeard()
    },
    keepOnly(kept) {
      for (const id of channels.keys()) if (!kept.has(id)) channels.delete(id)
    },
    hear(channel, { channelRevision, keyFingerprint, model, reason, isNamed, forMs }, now) {
      if (channelRevision !== channel.revision) return
      // A newer program may know more reasons.
      const known = reasons.find(name => name === reason)
      if (known === undefined) return
      of(channel).rests.hear({ fingerprint: keyFingerprint, model }, { reason: known, isNamed }, now + forMs)
    },
    share: (channel, model, now) => find(channel)?.models.get(model)?.breaker.share(now) ?? 1,
    begin(channel, key, model, now) {
      of(channel).ceiling.take(now)
      return { channel, key, model, isProbe: modelOf(channel, model).breaker.begin(now), began: ++order }
    },
    end(ticket, outcome, now) {
      // Of a channel that was edited meanwhile it says nothing: it was another one that was asked.
      if (channels.get(ticket.channel.id)?.revision !== ticket.channel.revision) return
      const { class: end, ...rest } = outcome
      const ended = { ...ticket, ended: ++order }
      if (end === 'ok') succeeded(ended, outcome, now)
      else if (end === 'undecided') modelOf(ticket.channel, ticket.model).breaker.undecided(ticket.isProbe)
      else failed(ended, { ...rest, class: end }, now)
    },
    release(ticket) {
      channels.get(ticket.channel.id)?.ceiling.give()
    },
  }
}

/** A ticket whose attempt has ended. */
type Ended = Ticket & Attempted

type Failure = Omit<AttemptOutcome, 'class'> & { readonly class: UpstreamErrorClass }

/** What another node may tell. */
const reasons: readonly Exclusion['reason'][] = [
  'key_refused',
  'key_out_of_quota',
  'rate_limited',
  'overloaded',
  'region',
  'model_unavailable',
  'breaker_open',
]
