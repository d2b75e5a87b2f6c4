import type { ChannelKey, Snapshot } from '#catalog'
import type { Options } from '#config'
import { excludedOf, exclusionOf } from './entry-exclusion.ts'
import type { Exclusion } from './exclusion.ts'
import { explainTiers } from './explain.ts'
import { createHealth, type Health, type HealthRules } from './health.ts'
import { LiveChance } from './live-chance.ts'
import { familyName } from './model-name.ts'
import { ejectOutliers } from './outliers.ts'
import { createRetryBudgets } from './retry-budget.ts'
import { readRules } from './rules.ts'
import { Selection } from './select.ts'
import { buildTiers, createTierCache, type Entry, type Tier, type Tiers } from './tiers.ts'
import type {
  Candidate,
  Decision,
  Excluded,
  NoRoute,
  Plan,
  RouteAsk,
  Routing,
  RoutingParts,
} from './types.ts'

/** A tier is looked over for outliers this often. */
const outliersEveryMs = 1_000

/** Where a request may go, in which order, and what this node has learned of it. */
export function createRouting({ snapshot, random, clock, onReport, limits }: RoutingParts): Routing {
  const health = createHealth({
    rules: rulesOf(() => snapshot().options),
    entriesMax: limits.healthEntriesMax,
    onReport,
  })
  const budgets = createRetryBudgets(() => snapshot().options['routing.retryShare'])
  const tiersOf = createTierCache()
  const turns = new Map<number, number>()
  const lookedOver = new WeakMap<Tier, number>()

  let seen: Snapshot | undefined

  /** What is kept of channels goes with them. */
  function currentSnapshot(): Snapshot {
    const current = snapshot()
    if (current === seen) return current
    seen = current
    health.keepOnly(current.channels)
    for (const id of turns.keys()) if (!current.channels.has(id)) turns.delete(id)
    return current
  }

  function find(ask: RouteAsk): Tiers {
    const current = currentSnapshot()
    if (ask.pinnedChannelId !== undefined) return findPinned(current, ask, ask.pinnedChannelId)
    if (ask.group !== 'auto') return findIn(current, ask, ask.group)
    const found: Tier[] = []
    let refusal: NoRoute = 'not_served'
    for (const group of current.options['routing.autoGroups']) {
      const tiers = findIn(current, ask, group)
      if (typeof tiers !== 'string') found.push(...tiers)
      else if (tiers !== 'not_served') refusal = tiers
    }
    return found.length > 0 ? found : refusal
  }

  function findIn(current: Snapshot, ask: RouteAsk, group: string): Tiers {
    const serving = current.channelsOf(group, ask.model)
    if (serving.length > 0) return tiersOf(serving, ask.model, group, ask)
    const family = familyName(ask.model)
    if (family === undefined) return 'not_served'
    const related = current.channelsOf(group, family)
    // Names of a family are the clients' to choose: their tiers are not kept.
    return related.length === 0 ? 'not_served' : buildTiers(related, ask.model, group, ask)
  }

  function lookOver(tiers: readonly Tier[], now: number): void {
    for (const tier of tiers) {
      if (tier.entries.length === 1 || now < (lookedOver.get(tier) ?? 0)) continue
      lookedOver.set(tier, now + outliersEveryMs)
      ejectOutliers(tier, health, now)
    }
  }

  return {
    plan(ask) {
      const tiers = find(ask)
      if (typeof tiers === 'string') return { kind: 'none', reason: tiers }
      if (ask.pinnedChannelId !== undefined)
        return { kind: 'candidates', candidates: everyKey(tiers, health, clock()), decision: asNamed }
      const now = clock()
      const only = findOnly(tiers)
      if (only !== undefined) return planOnly(only, exclusionOf(only, health, now))
      lookOver(tiers, now)
      const chance = new LiveChance({ ask, clock, random, turns, health })
      return { kind: 'candidates', candidates: new Selection(tiers, chance), decision: chance }
    },
    onRequest: model => budgets.onRequest(model, clock()),
    mayRetry: model => budgets.tryRetry(model, clock()),
    begin: ({ channel, key, upstreamModel }) => health.begin(channel, key, upstreamModel, clock()),
    end: (ticket, outcome) => health.end(ticket, outcome, clock()),
    release: ticket => health.release(ticket),
    exclusions(ask) {
      const tiers = find(ask)
      return typeof tiers === 'string' ? [] : exclusionsOf(tiers, health, clock())
    },
    hear(reports) {
      const { channels } = snapshot()
      const now = clock()
      health.forgetHeard()
      for (const report of reports) {
        const channel = channels.get(report.channelId)
        if (channel !== undefined) health.hear(channel, report, now)
      }
    },
    explain(ask) {
      const tiers = find(ask)
      return explainTiers({ snapshot: snapshot(), ask, tiers, health, now: clock() })
    },
  }
}

/** Most requests have one place to go: no tiers, no draw. */
function findOnly([tier, ...others]: readonly Tier[]): Entry | undefined {
  const [entry, another] = tier?.entries ?? []
  return others.length > 0 || another !== undefined || entry?.channel.keys.length !== 1 ? undefined : entry
}

/** What rests is asked all the same, unless its upstream named the time: there is nobody else. */
function planOnly(entry: Entry, exclusion: Exclusion | undefined): Plan {
  const { channel, upstreamModel, group } = entry
  const [key] = channel.keys
  const isClosed = key === undefined || (exclusion !== undefined && !exclusion.isSoft)
  const candidates = isClosed ? [] : [{ channel, key, upstreamModel, group }]
  const passedOver =
    exclusion === undefined || !isClosed ? [] : [{ channel: channel.name, reason: exclusion.reason }]
  return {
    kind: 'candidates',
    candidates: candidates[Symbol.iterator](),
    decision: passedOver.length === 0 ? asNamed : { hasAffinity: false, passedOver },
  }
}

const asNamed: Decision = { hasAffinity: false, passedOver: [] }

function findPinned(current: Snapshot, ask: RouteAsk, id: number): Tiers {
  const channel = current.channels.get(id)
  if (channel === undefined) return 'pinned_unknown'
  if (!channel.isEnabled) return 'pinned_disabled'
  return buildTiers([channel], ask.model, ask.group, ask)
}

/** A channel that an administrator named is tried as it is, its sound keys first: whether it is well may be what he wants to see. */
function* everyKey(
  tiers: readonly Tier[],
  health: Pick<Health, 'judgeKey'>,
  now: number,
): Generator<Candidate, undefined> {
  for (const { entries } of tiers) {
    for (const { channel, upstreamModel, group } of entries) {
      const rests = (key: ChannelKey) => health.judgeKey(channel, key, upstreamModel, now) !== undefined
      const keys = channel.keys.toSorted((one, other) => Number(rests(one)) - Number(rests(other)))
      for (const key of keys) yield { channel, key, upstreamModel, group }
    }
  }
}

/** Read once for each state of the options: they are asked for at every attempt. */
function rulesOf(options: () => Options): () => HealthRules {
  let read: { readonly from: Options; readonly rules: HealthRules } | undefined
  return () => {
    const from = options()
    if (read?.from !== from) read = { from, rules: readRules(from) }
    return read.rules
  }
}

/** Empty when anything may be tried. */
function exclusionsOf(tiers: readonly Tier[], health: Health, now: number): readonly Excluded[] {
  const found: Excluded[] = []
  for (const { entries } of tiers) {
    for (const entry of entries) {
      const exclusion = exclusionOf(entry, health, now)
      if (exclusion === undefined || exclusion.isSoft) return []
      found.push(excludedOf(exclusion, now))
    }
  }
  return found
}
