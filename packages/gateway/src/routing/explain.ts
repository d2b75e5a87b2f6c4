import type { Channel, Snapshot } from '#catalog'
import { excludedOf, exclusionOf } from './entry-exclusion.ts'
import type { Exclusion } from './exclusion.ts'
import type { Health } from './health.ts'
import { mapModel } from './mapping.ts'
import { familyName } from './model-name.ts'
import { pickHome } from './rendezvous.ts'
import { type Entry, type Picked, refusalOf, type Tier, type Tiers } from './tiers.ts'
import type { ExplainedCandidate, Explanation, RouteAsk } from './types.ts'

interface ExplainParts {
  readonly snapshot: Snapshot
  readonly ask: RouteAsk
  readonly tiers: Tiers
  readonly health: Pick<Health, 'judge' | 'judgeKey' | 'share'>
  readonly now: number
}

/** Every channel that lists the model for the group: those that would be tried, in their order, then those that would not. */
export function explainTiers(parts: ExplainParts): Explanation {
  const tiers = typeof parts.tiers === 'string' ? [] : parts.tiers
  const isAnySound = tiers.some(({ entries }) => entries.some(entry => standingOf(parts, entry) === 'sound'))
  // As in selection: what is only suspected gets nothing while anything is sound, in whichever tier.
  const taken = isAnySound ? 'sound' : 'last-resort'
  const usable = tiers.flatMap((tier, index) => explainTier(parts, { tier, index, taken }))
  const candidates = [...usable, ...explainUnusable(parts)]
  return {
    candidates: candidates.toSorted((one, other) => rankOf(one) - rankOf(other)),
    reason: typeof parts.tiers === 'string' ? parts.tiers : undefined,
  }
}

function rankOf({ excluded, isLastResort }: ExplainedCandidate): number {
  if (excluded === undefined) return 0
  return isLastResort ? 1 : 2
}

interface TierParts {
  readonly tier: Tier
  readonly index: number
  /** What first attempts go to. */
  readonly taken: Standing
}

function explainTier(parts: ExplainParts, { tier, index, taken }: TierParts): readonly ExplainedCandidate[] {
  const { ask, health, now } = parts
  const shares = sharesOf(parts, tier, taken)
  const others = tier.entries.filter(entry => !shares.has(entry))
  return [...shares.keys(), ...others].map(entry => {
    const { channel, upstreamModel, group } = entry
    const exclusion = ask.pinnedChannelId === undefined ? exclusionOf(entry, health, now) : undefined
    return {
      channel,
      group,
      upstreamModel,
      tier: index,
      share: shares.get(entry) ?? 0,
      excluded: exclusion && excludedOf(exclusion, now),
      isLastResort: exclusion !== undefined && standingOf(parts, entry) === 'last-resort',
    }
  })
}

/** What first attempts at the tier go to, and in which parts; in the order in which it would be tried. */
function sharesOf(parts: ExplainParts, tier: Tier, taken: Standing): ReadonlyMap<Entry, number> {
  const hasChoice = tier.entries.length > 1 || (tier.entries[0]?.channel.keys.length ?? 0) > 1
  const seed = hasChoice ? parts.ask.affinity() : undefined
  if (seed === undefined) return sharesByChance(parts, tier, taken)
  const homes = homesOf(tier, seed, pair => pairStanding(parts, pair) === taken)
  return new Map(homes.map((entry, place) => [entry, place === 0 ? 1 : 0]))
}

function sharesByChance(parts: ExplainParts, { entries }: Tier, taken: Standing): ReadonlyMap<Entry, number> {
  const { health, now } = parts
  const areAllZero = entries.every(({ channel }) => channel.weight <= 0)
  const weighed = entries
    .filter(entry => standingOf(parts, entry) === taken)
    .map(entry => {
      const { channel, upstreamModel } = entry
      const weight = areAllZero ? 1 : Math.max(0, channel.weight)
      return { entry, weight: weight * health.share(channel, upstreamModel, now) }
    })
  const sum = weighed.reduce((total, { weight }) => total + weight, 0)
  return new Map(
    weighed
      .toSorted((one, other) => other.weight - one.weight)
      // Where only weights of 0 are left, each is as likely.
      .map(({ entry, weight }) => [entry, sum === 0 ? 1 / weighed.length : weight / sum]),
  )
}

/** The channels of a tier in the order in which a conversation would come to them, each with the best of its accepted keys. */
function homesOf(tier: Tier, seed: number, accepts: (pair: Picked) => boolean): readonly Entry[] {
  const found = new Set<Entry>()
  for (;;) {
    const home = pickHome(tier.homes, seed, pair => !found.has(pair.entry) && accepts(pair))
    if (home === undefined) return [...found]
    found.add(home.entry)
  }
}

/** When selection takes something: `last-resort` once all that is sound has failed, in every tier. */
type Standing = 'sound' | 'last-resort' | 'closed'

/** Of a channel: that of the best of its keys. */
function standingOf(parts: ExplainParts, entry: Entry): Standing {
  const found = new Set(entry.channel.keys.map(key => pairStanding(parts, { entry, key })))
  if (found.has('sound')) return 'sound'
  return found.has('last-resort') ? 'last-resort' : 'closed'
}

function pairStanding({ ask, health, now }: ExplainParts, { entry, key }: Picked): Standing {
  // A channel that was named is tried as it is.
  if (ask.pinnedChannelId !== undefined) return 'sound'
  const { channel, upstreamModel } = entry
  const exclusions: readonly (Exclusion | undefined)[] = [
    health.judge(channel, upstreamModel, now),
    health.judgeKey(channel, key, upstreamModel, now),
  ]
  if (exclusions.every(exclusion => exclusion === undefined)) return 'sound'
  return exclusions.every(exclusion => exclusion === undefined || exclusion.isSoft) ? 'last-resort' : 'closed'
}

/** Channels that list the model and that their configuration keeps from this kind of request. */
function explainUnusable({ snapshot, ask }: ExplainParts): readonly ExplainedCandidate[] {
  return listing(snapshot, ask).flatMap(({ channel, group }): readonly ExplainedCandidate[] => {
    const refusal = refusalOf(channel, ask.model, ask)
    if (refusal === undefined) return []
    const upstreamModel = mapModel(channel, ask.model) ?? ask.model
    const reason = refusal === 'none_enabled' ? 'disabled' : refusal
    const excluded = { reason, forMs: undefined } as const
    return [{ channel, group, upstreamModel, tier: 0, share: 0, excluded, isLastResort: false }]
  })
}

function listing(snapshot: Snapshot, ask: RouteAsk): readonly { channel: Channel; group: string }[] {
  if (ask.pinnedChannelId !== undefined) {
    const channel = snapshot.channels.get(ask.pinnedChannelId)
    return channel === undefined ? [] : [{ channel, group: ask.group }]
  }
  const groups = ask.group === 'auto' ? snapshot.options['routing.autoGroups'] : [ask.group]
  const family = familyName(ask.model)
  return groups.flatMap(group => {
    const literal = snapshot.channelsOf(group, ask.model)
    const found = literal.length > 0 || family === undefined ? literal : snapshot.channelsOf(group, family)
    return found.map(channel => ({ channel, group }))
  })
}
