import type { ChannelKey } from '#catalog'
import type { Exclusion } from './exclusion.ts'
import { rendezvousScore } from './rendezvous.ts'
import type { Entry, Tier } from './tiers.ts'
import type { Candidate } from './types.ts'

/** What selection asks of the world. */
export interface Chance {
  readonly random: () => number
  /** The next turn of a channel whose keys take turns. */
  readonly nextTurn: (entry: Entry) => number
  readonly affinity: () => number | undefined
  /** Why the entry as a whole gets nothing now. */
  readonly judge: (entry: Entry) => Exclusion | undefined
  readonly judgeKey: (entry: Entry, key: ChannelKey) => Exclusion | undefined
  /** Of its weight, what it gets now. */
  readonly share: (entry: Entry) => number
}

/**
 * Candidates in the order in which they are tried, each picked when it is asked for: tier by tier what is sound, every channel of a
 * tier with one key before any with a second; and when all that has failed, what is only suspected, in the same order.
 */
export function* select(tiers: readonly Tier[], chance: Chance): Generator<Candidate, undefined> {
  const tried: Tried = new Map()
  const starts: Starts = new Map()
  for (const acceptsSoft of [false, true]) {
    for (const tier of tiers) yield* selectFrom(tier, { chance, tried, starts, acceptsSoft })
  }
}

type Tried = Map<Entry, Set<ChannelKey>>
/** Of channels with several keys, the first for this request. */
type Starts = Map<Entry, number>

interface Pass {
  readonly chance: Chance
  readonly tried: Tried
  readonly starts: Starts
  readonly acceptsSoft: boolean
}

function* selectFrom(tier: Tier, pass: Pass): Generator<Candidate, undefined> {
  // Round by round: no channel's second key before every channel's first.
  for (let round = 0; round < tier.keysMax; ) {
    const picked = pick(tier, pass, round)
    if (picked === undefined) {
      round++
      continue
    }
    const { entry, key } = picked
    const keys = pass.tried.get(entry)
    if (keys === undefined) pass.tried.set(entry, new Set([key]))
    else keys.add(key)
    yield { channel: entry.channel, key, upstreamModel: entry.upstreamModel, group: entry.group }
  }
}

interface Picked {
  readonly entry: Entry
  readonly key: ChannelKey
}

function pick(tier: Tier, pass: Pass, round: number): Picked | undefined {
  const [only] = tier.entries
  if (tier.entries.length === 1 && only !== undefined && only.channel.keys.length === 1)
    return openKey(only, pass, round)
  const seed = pass.chance.affinity()
  return seed === undefined ? pickByChance(tier, pass, round) : pickByHash(tier, pass, round, seed)
}

/** Draws that may miss: what is drawn may be tried, unsound, or not yet back at its full share. */
const drawsMax = 4

function pickByChance(tier: Tier, pass: Pass, round: number): Picked | undefined {
  const { random, share } = pass.chance
  const sum = tier.sums.at(-1) ?? 0
  for (let draw = 0; draw < drawsMax && round === 0; draw++) {
    const entry = tier.entries[findSum(tier.sums, random() * sum)]
    if (entry === undefined) break
    const part = share(entry)
    if (part < 1 && random() >= part) continue
    const picked = openKey(entry, pass, round)
    if (picked !== undefined) return picked
  }
  const open = tier.entries.filter(entry => openKey(entry, pass, round, true) !== undefined)
  const entry =
    open[
      pickWeighted(
        open.map(each => each.channel.weight * share(each)),
        random(),
      )
    ]
  return entry && openKey(entry, pass, round)
}

/** The pair of channel and key with the highest score among those that are sound and untried. */
function pickByHash(tier: Tier, pass: Pass, round: number, seed: number): Picked | undefined {
  const isAlike = (tier.sums.at(-1) ?? 0) > 0 && tier.entries.every(({ channel }) => channel.weight <= 0)
  let best: Picked | undefined
  let bestScore = Number.NEGATIVE_INFINITY
  for (const entry of tier.entries) {
    if (!isInRound(entry, pass, round)) continue
    const { channel, keyHashes } = entry
    const weight = (isAlike ? 1 : channel.weight) / channel.keys.length
    for (const [index, key] of channel.keys.entries()) {
      const score = rendezvousScore(seed, keyHashes[index] ?? 0, weight)
      if (score <= bestScore || !isKeyOpen(entry, key, pass) || !isOpen(entry, pass)) continue
      best = { entry, key }
      bestScore = score
    }
  }
  return best
}

/** The entry with the key whose turn it is, when both may be tried. `peeks`: without taking the turn. */
function openKey(entry: Entry, pass: Pass, round: number, peeks = false): Picked | undefined {
  if (!isInRound(entry, pass, round) || !isOpen(entry, pass)) return undefined
  const { keys } = entry.channel
  const [only] = keys
  if (keys.length === 1 && only !== undefined)
    return isKeyOpen(entry, only, pass) ? { entry, key: only } : undefined
  const first = peeks ? 0 : firstKey(entry, pass)
  for (let offset = 0; offset < keys.length; offset++) {
    const key = keys[(first + offset) % keys.length]
    if (key !== undefined && isKeyOpen(entry, key, pass)) return { entry, key }
  }
  return undefined
}

function firstKey(entry: Entry, { chance, starts }: Pass): number {
  const known = starts.get(entry)
  if (known !== undefined) return known
  const { keys, keyMode } = entry.channel
  const first =
    keyMode === 'polling' ? chance.nextTurn(entry) % keys.length : Math.floor(chance.random() * keys.length)
  starts.set(entry, first)
  return first
}

function isInRound(entry: Entry, { tried }: Pass, round: number): boolean {
  const count = tried.get(entry)?.size ?? 0
  return count <= round && count < entry.channel.keys.length
}

function isOpen(entry: Entry, { chance, acceptsSoft }: Pass): boolean {
  const exclusion = chance.judge(entry)
  return exclusion === undefined || (acceptsSoft && exclusion.isSoft)
}

function isKeyOpen(entry: Entry, key: ChannelKey, { chance, tried, acceptsSoft }: Pass): boolean {
  if (tried.get(entry)?.has(key)) return false
  const exclusion = chance.judgeKey(entry, key)
  return exclusion === undefined || (acceptsSoft && exclusion.isSoft)
}

/** The first index whose sum is above `at`. */
function findSum(sums: readonly number[], at: number): number {
  let low = 0
  let high = sums.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sums[middle] ?? 0) > at) high = middle
    else low = middle + 1
  }
  return low
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
