import type { ChannelKey } from '#catalog'
import type { Exclusion } from './exclusion.ts'
import { mix32, pickHome } from './rendezvous.ts'
import type { Entry, Picked, Tier } from './tiers.ts'
import type { Candidate } from './types.ts'

/** What selection asks of the world. */
export interface Chance {
  random(): number
  /** The next turn of a channel whose keys take turns. */
  nextTurn(entry: Entry): number
  affinity(): number | undefined
  /** Why the entry as a whole gets nothing now. */
  judge(entry: Entry): Exclusion | undefined
  judgeKey(entry: Entry, key: ChannelKey): Exclusion | undefined
  /** Of its weight, what it gets now. */
  share(entry: Entry): number
  /** Time has passed since the last candidate: what is true now is looked at. */
  renew(): void
}

/**
 * Candidates in the order in which they are tried, each picked when it is asked for: tier by tier what is sound, every channel of a
 * tier with one key before any with a second; and when all that has failed, what is only suspected, in the same order.
 */
export class Selection implements Iterator<Candidate, undefined> {
  readonly #tiers: readonly Tier[]
  readonly #pass: Pass
  #tier = 0

  constructor(tiers: readonly Tier[], chance: Chance) {
    this.#tiers = tiers
    this.#pass = { chance, tried: [], starts: undefined, round: 0, isHeldBack: false, acceptsSoft: false }
  }

  next(): IteratorResult<Candidate, undefined> {
    const pass = this.#pass
    if (pass.tried.length > 0) pass.chance.renew()
    for (;;) {
      const tier = this.#tiers[this.#tier]
      if (tier === undefined) {
        if (pass.acceptsSoft) return { done: true, value: undefined }
        pass.acceptsSoft = true
        this.#tier = 0
        continue
      }
      pass.isHeldBack = false
      const picked = pick(tier, pass)
      if (picked !== undefined) {
        pass.tried.push(picked)
        return { done: false, value: candidateOf(picked) }
      }
      // Round by round: no channel's second key before every channel's first.
      if (pass.isHeldBack) {
        pass.round++
        continue
      }
      pass.round = 0
      this.#tier++
    }
  }
}

function candidateOf({ entry, key }: Picked): Candidate {
  return { channel: entry.channel, key, upstreamModel: entry.upstreamModel, group: entry.group }
}

/** What has been done for one request. */
interface Pass {
  readonly chance: Chance
  /** A request makes few attempts. */
  readonly tried: Picked[]
  /** Of channels with several keys, the first for this request. */
  starts: Map<Entry, number> | undefined
  /** Keys of a channel that others of its tier have had before it gets another. */
  round: number
  /** Whether something was passed over only because others come before it in this round. */
  isHeldBack: boolean
  acceptsSoft: boolean
}

function pick(tier: Tier, pass: Pass): Picked | undefined {
  const [only] = tier.entries
  if (tier.entries.length === 1 && only !== undefined && only.channel.keys.length === 1)
    return openKey(only, pass)
  const seed = pass.chance.affinity()
  return seed === undefined ? pickByChance(tier, pass) : pickByHash(tier, pass, seed)
}

/** Draws that may miss: what is drawn may be tried, unsound, or not yet back at its full share. */
const drawsMax = 4

function pickByChance(tier: Tier, pass: Pass): Picked | undefined {
  const { chance } = pass
  const sum = tier.sums.at(-1) ?? 0
  for (let draw = 0; draw < drawsMax && pass.round === 0; draw++) {
    const entry = tier.entries[findSum(tier.sums, chance.random() * sum)]
    if (entry === undefined) break
    const part = chance.share(entry)
    if (part < 1 && chance.random() >= part) continue
    const picked = openKey(entry, pass)
    if (picked !== undefined) return picked
  }
  const open = tier.entries.filter(entry => openKey(entry, pass, true) !== undefined)
  const entry =
    open[
      pickWeighted(
        open.map(each => each.channel.weight * chance.share(each)),
        chance.random(),
      )
    ]
  return entry && openKey(entry, pass)
}

/** So that a conversation's coin has nothing to do with its home. */
const coinSalt = 0x5bd1e995

/** The pair of channel and key with the highest score among those that are sound and untried. */
function pickByHash(tier: Tier, pass: Pass, seed: number): Picked | undefined {
  const isSound = ({ entry, key }: Picked) =>
    isInRound(entry, pass) && isKeyOpen(entry, key, pass) && isOpen(entry, pass)
  // What returns slowly gets its conversations back one after the other, each by a coin of its own.
  const coin = mix32(seed ^ coinSalt) / 2 ** 32
  const isBack = (picked: Picked) => isSound(picked) && coin < pass.chance.share(picked.entry)
  return pickHome(tier.homes, seed, isBack) ?? pickHome(tier.homes, seed, isSound)
}

/** The entry with the key whose turn it is, when both may be tried. `peeks`: without taking the turn. */
function openKey(entry: Entry, pass: Pass, peeks = false): Picked | undefined {
  if (!isInRound(entry, pass) || !isOpen(entry, pass)) return undefined
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

function firstKey(entry: Entry, pass: Pass): number {
  const { chance } = pass
  pass.starts ??= new Map()
  const known = pass.starts.get(entry)
  if (known !== undefined) return known
  const { keys, keyMode } = entry.channel
  const first =
    keyMode === 'polling' ? chance.nextTurn(entry) % keys.length : Math.floor(chance.random() * keys.length)
  pass.starts.set(entry, first)
  return first
}

/** In `auto` a channel may stand in several groups: it is the same channel in each. */
function isInRound({ channel }: Entry, pass: Pass): boolean {
  let count = 0
  for (const { entry } of pass.tried) if (entry.channel.id === channel.id) count++
  if (count >= channel.keys.length) return false
  if (count <= pass.round) return true
  pass.isHeldBack = true
  return false
}

function isOpen(entry: Entry, { chance, acceptsSoft }: Pass): boolean {
  const exclusion = chance.judge(entry)
  return exclusion === undefined || (acceptsSoft && exclusion.isSoft)
}

const isSameKey = (one: ChannelKey, other: ChannelKey) => one.fingerprint === other.fingerprint

function isKeyOpen(entry: Entry, key: ChannelKey, { chance, tried, acceptsSoft }: Pass): boolean {
  if (tried.some(each => each.entry.channel.id === entry.channel.id && isSameKey(each.key, key))) return false
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
