import type { Channel, Snapshot } from '#catalog'
import { excludedOf, exclusionOf } from './entry-exclusion.ts'
import type { Health } from './health.ts'
import { mapModel } from './mapping.ts'
import { familyName } from './model-name.ts'
import { rendezvousScore } from './rendezvous.ts'
import { type Entry, refusalOf, type Tier, type Tiers } from './tiers.ts'
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
  const { tiers } = parts
  const usable =
    typeof tiers === 'string' ? [] : tiers.flatMap((tier, index) => explainTier(parts, tier, index))
  const candidates = [...usable, ...explainUnusable(parts)]
  const sound = candidates.filter(({ excluded }) => excluded === undefined)
  return {
    candidates: [...sound, ...candidates.filter(({ excluded }) => excluded !== undefined)],
    reason: typeof tiers === 'string' ? tiers : undefined,
  }
}

function explainTier(
  { ask, health, now }: ExplainParts,
  tier: Tier,
  index: number,
): readonly ExplainedCandidate[] {
  const areAllZero = tier.entries.every(({ channel }) => channel.weight <= 0)
  const rows = tier.entries.map(entry => {
    const exclusion = ask.pinnedChannelId === undefined ? exclusionOf(entry, health, now) : undefined
    const { channel, upstreamModel } = entry
    const weight = (areAllZero ? 1 : channel.weight) * health.share(channel, upstreamModel, now)
    return { entry, exclusion, weight: exclusion === undefined ? weight : 0 }
  })
  const sum = rows.reduce((total, { weight }) => total + weight, 0)
  const seed =
    tier.entries.length > 1 || (tier.entries[0]?.keyHashes.length ?? 0) > 1 ? ask.affinity() : undefined
  const order =
    seed === undefined
      ? rows.toSorted((one, other) => other.weight - one.weight)
      : rows.toSorted(
          (one, other) => scoreOf(other.entry, seed, areAllZero) - scoreOf(one.entry, seed, areAllZero),
        )
  const chosen = seed === undefined ? undefined : order.find(({ exclusion }) => exclusion === undefined)
  return order.map(row => {
    const { channel, upstreamModel, group } = row.entry
    const share = chosen === undefined ? (sum === 0 ? 0 : row.weight / sum) : row === chosen ? 1 : 0
    const excluded = row.exclusion && excludedOf(row.exclusion, now)
    return { channel, group, upstreamModel, tier: index, share, excluded }
  })
}

function scoreOf({ channel, keyHashes }: Entry, seed: number, areAllZero: boolean): number {
  const weight = (areAllZero ? 1 : channel.weight) / Math.max(1, keyHashes.length)
  return keyHashes.reduce(
    (best, hash) => Math.max(best, rendezvousScore(seed, hash, weight)),
    Number.NEGATIVE_INFINITY,
  )
}

/** Channels that list the model and that their configuration keeps from this kind of request. */
function explainUnusable({ snapshot, ask }: ExplainParts): readonly ExplainedCandidate[] {
  return listing(snapshot, ask).flatMap(({ channel, group }): readonly ExplainedCandidate[] => {
    const refusal = refusalOf(channel, ask.model, ask)
    if (refusal === undefined) return []
    const upstreamModel = mapModel(channel, ask.model) ?? ask.model
    const reason = refusal === 'none_enabled' ? 'disabled' : refusal
    return [{ channel, group, upstreamModel, tier: 0, share: 0, excluded: { reason, forMs: undefined } }]
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
