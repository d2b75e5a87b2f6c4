import { offers } from '@yumen/providers'
import type { Channel, ChannelKey, Snapshot } from '#catalog'
import { mapModel } from './mapping.ts'
import type { Candidate, NoRoute, RouteAsk, Routing, RoutingParts } from './types.ts'

/** Where a request may go: tiers of equal priority from the best down, weighted chance within a tier, each key once. */
export function createRouting({ snapshot, random }: RoutingParts): Routing {
  const turns = new Map<number, number>()
  const nextTurn = (channel: Channel) => {
    const turn = turns.get(channel.id) ?? 0
    turns.set(channel.id, turn + 1)
    return turn
  }
  return {
    plan(ask) {
      const eligible = findEligible(snapshot(), ask)
      if (typeof eligible === 'string') return { kind: 'none', reason: eligible }
      return { kind: 'candidates', candidates: candidatesOf(eligible, ask, { random, nextTurn }) }
    },
  }
}

function findEligible(snapshot: Snapshot, ask: RouteAsk): readonly Channel[] | NoRoute {
  if (ask.pinnedChannelId !== undefined) return findPinned(snapshot, ask, ask.pinnedChannelId)
  const serving = snapshot.channelsOf(ask.group, ask.model)
  if (serving.length === 0) return 'not_served'
  const enabled = serving.filter(channel => channel.isEnabled)
  if (enabled.length === 0) return 'none_enabled'
  const keyed = enabled.filter(channel => channel.keys.length > 0)
  if (keyed.length === 0) return 'no_key'
  const speaking = keyed.filter(channel => speaksNatively(channel, ask))
  return speaking.length === 0 ? 'dialect_unsupported' : speaking
}

function findPinned(snapshot: Snapshot, ask: RouteAsk, id: number): readonly Channel[] | NoRoute {
  const channel = snapshot.channels.get(id)
  if (channel === undefined) return 'pinned_unknown'
  if (!channel.isEnabled) return 'pinned_disabled'
  if (channel.keys.length === 0) return 'no_key'
  return speaksNatively(channel, ask) ? [channel] : 'dialect_unsupported'
}

function speaksNatively(channel: Channel, ask: RouteAsk): boolean {
  if (channel.dialect !== undefined && channel.dialect !== ask.dialect) return false
  return offers(channel.provider, {
    dialect: ask.dialect,
    operation: ask.operation,
    model: mapModel(channel.modelMapping, ask.model),
    isStreaming: ask.isStreaming,
    baseUrl: channel.baseUrl,
    settings: channel.settings,
    query: noQuery,
  })
}

const noQuery = new URLSearchParams()

interface Chance {
  readonly random: () => number
  readonly nextTurn: (channel: Channel) => number
}

/** Most requests have one place to go: no tiers, no draw. */
function candidatesOf(
  channels: readonly Channel[],
  ask: RouteAsk,
  chance: Chance,
): Iterator<Candidate, undefined> {
  const [channel] = channels
  const key = channel?.keys[0]
  if (channels.length > 1 || channel === undefined || key === undefined || channel.keys.length > 1)
    return rank(channels, ask, chance)
  const only = { channel, key, upstreamModel: mapModel(channel.modelMapping, ask.model) }
  return [only][Symbol.iterator]()
}

/** Lazy: the next candidate is picked when it is asked for. */
function* rank(channels: readonly Channel[], ask: RouteAsk, chance: Chance): Generator<Candidate, undefined> {
  for (let from = 0; from < channels.length; ) {
    const priority = channels[from]?.priority
    let to = from
    while (to < channels.length && channels[to]?.priority === priority) to++
    yield* rankTier(channels.slice(from, to), ask, chance)
    from = to
  }
}

/** Every channel of the tier with one of its keys first, then those that have further keys once more. */
function* rankTier(tier: readonly Channel[], ask: RouteAsk, chance: Chance): Generator<Candidate, undefined> {
  let round = tier.map(channel => ({ channel, keys: orderKeys(channel, chance) }))
  while (round.length > 0) {
    const again: typeof round = []
    while (round.length > 0) {
      const [entry] = round.splice(
        pickWeighted(
          round.map(({ channel }) => channel.weight),
          chance.random(),
        ),
        1,
      )
      const key = entry?.keys.shift()
      if (entry === undefined || key === undefined) continue
      yield { channel: entry.channel, key, upstreamModel: mapModel(entry.channel.modelMapping, ask.model) }
      if (entry.keys.length > 0) again.push(entry)
    }
    round = again
  }
}

function orderKeys(channel: Channel, { random, nextTurn }: Chance): ChannelKey[] {
  const { keys } = channel
  const first =
    channel.keyMode === 'polling' ? nextTurn(channel) % keys.length : Math.floor(random() * keys.length)
  return [...keys.slice(first), ...keys.slice(0, first)]
}

/** Index by weighted chance; `at` in [0, 1). Where all weights are zero every entry is equally likely. */
export function pickWeighted(weights: readonly number[], at: number): number {
  const sum = weights.reduce((total, weight) => total + weight, 0)
  if (sum <= 0) return Math.floor(at * weights.length)
  let left = at * sum
  for (const [index, weight] of weights.entries()) {
    left -= weight
    if (left < 0) return index
  }
  return weights.length - 1
}
