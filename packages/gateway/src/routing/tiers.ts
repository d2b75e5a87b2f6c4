import { offers } from '@yumen/providers'
import type { Channel, ChannelKey } from '#catalog'
import { mapModel } from './mapping.ts'
import { hashText, mix32, type WeightClass, weightClasses } from './rendezvous.ts'
import type { NoRoute, RouteAsk } from './types.ts'

/** A channel that can serve a kind of request, as far as the configuration goes. */
export interface Entry {
  readonly channel: Channel
  readonly upstreamModel: string
  readonly group: string
  /** Of each of its keys with the channel, for rendezvous hashing; the same in every process. */
  readonly keyHashes: readonly number[]
}

/** A channel with one of its keys. */
export interface Picked {
  readonly entry: Entry
  readonly key: ChannelKey
}

/** Entries of equal priority. */
export interface Tier {
  readonly entries: readonly Entry[]
  /** Sums of the weights up to and with each entry; all alike where every weight is 0. */
  readonly sums: readonly number[]
  /** Every key of every entry, for rendezvous hashing; the weight of a channel is shared by its keys. */
  readonly homes: readonly WeightClass<Picked>[]
  /** Of the channel that has most. */
  readonly keysMax: number
}

export type Tiers = readonly Tier[] | NoRoute

type Kind = Pick<RouteAsk, 'dialect' | 'operation' | 'isStreaming'>

/**
 * Tiers of what serves a model for a group, best first; or why there are none. Made once for each list of the snapshot and kind of
 * request: a thousand channels cost a request no more than ten.
 */
export function createTierCache(): (
  serving: readonly Channel[],
  model: string,
  group: string,
  ask: Kind,
) => Tiers {
  const known = new WeakMap<readonly Channel[], Map<string, Tiers>>()
  return (serving, model, group, ask) => {
    let kinds = known.get(serving)
    if (kinds === undefined) {
      kinds = new Map()
      known.set(serving, kinds)
    }
    const kind = `${ask.dialect} ${ask.operation} ${ask.isStreaming}`
    const found = kinds.get(kind)
    if (found !== undefined) return found
    const tiers = buildTiers(serving, model, group, ask)
    kinds.set(kind, tiers)
    return tiers
  }
}

/** @param channels best priority first */
export function buildTiers(channels: readonly Channel[], model: string, group: string, ask: Kind): Tiers {
  const usable: Entry[] = []
  const refusals = new Set<NoRoute>()
  for (const channel of channels) {
    const refusal = refusalOf(channel, model, ask)
    const upstreamModel = mapModel(channel, model)
    if (refusal !== undefined || upstreamModel === undefined) refusals.add(refusal ?? 'mapping_cycle')
    else
      usable.push({
        channel,
        upstreamModel,
        group,
        keyHashes: channel.keys.map(key => keyHash(channel, key.fingerprint)),
      })
  }
  if (usable.length === 0) return worst.find(reason => refusals.has(reason)) ?? 'not_served'
  return [...Map.groupBy(usable, ({ channel }) => channel.priority).values()].map(entries => ({
    entries,
    sums: sumsOf(entries.map(({ channel }) => channel.weight)),
    homes: homesOf(entries),
    keysMax: entries.reduce((most, { channel }) => Math.max(most, channel.keys.length), 0),
  }))
}

/** Of several reasons, the one that came furthest. */
const worst: readonly NoRoute[] = ['mapping_cycle', 'dialect_unsupported', 'no_key', 'none_enabled']

/** Why the configuration keeps a channel from this kind of request. */
export function refusalOf(
  channel: Channel,
  model: string,
  ask: Kind,
): 'none_enabled' | 'no_key' | 'dialect_unsupported' | 'mapping_cycle' | undefined {
  if (!channel.isEnabled) return 'none_enabled'
  if (channel.keys.length === 0) return 'no_key'
  const upstreamModel = mapModel(channel, model)
  if (upstreamModel === undefined) return 'mapping_cycle'
  return speaksNatively(channel, upstreamModel, ask) ? undefined : 'dialect_unsupported'
}

function speaksNatively(channel: Channel, model: string, ask: Kind): boolean {
  if (channel.dialect !== undefined && channel.dialect !== ask.dialect) return false
  const { dialect, operation, isStreaming } = ask
  const { provider, baseUrl, settings } = channel
  return offers(provider, { dialect, operation, isStreaming, model, baseUrl, settings, query: noQuery })
}

const noQuery = new URLSearchParams()

function keyHash(channel: Channel, fingerprint: string): number {
  return mix32(mix32(channel.id) ^ hashText(fingerprint))
}

function homesOf(entries: readonly Entry[]): readonly WeightClass<Picked>[] {
  const areAllZero = entries.every(({ channel }) => channel.weight <= 0)
  return weightClasses(
    entries.flatMap(entry => {
      const { channel, keyHashes } = entry
      const weight = (areAllZero ? 1 : Math.max(0, channel.weight)) / channel.keys.length
      return channel.keys.map((key, index) => ({
        entry: { entry, key },
        hash: keyHashes[index] ?? 0,
        weight,
      }))
    }),
  )
}

function sumsOf(weights: readonly number[]): readonly number[] {
  const areAllZero = weights.every(weight => weight <= 0)
  let sum = 0
  return weights.map(weight => {
    sum += areAllZero ? 1 : Math.max(0, weight)
    return sum
  })
}
