import type { ChannelKey } from '#catalog'
import type { Exclusion } from './exclusion.ts'
import type { Health } from './health.ts'
import type { Chance } from './select.ts'
import type { Entry } from './tiers.ts'
import type { Decision, RouteAsk } from './types.ts'

interface LiveParts {
  readonly ask: RouteAsk
  readonly clock: () => number
  readonly random: () => number
  /** Of channels whose keys take turns, how many they have had. */
  readonly turns: Map<number, number>
  readonly health: Pick<Health, 'judge' | 'judgeKey' | 'share'>
}

/** Channels that a record names as passed over. */
const passedOverMax = 8

/** The world of one request at the moment of its planning; keeps what it told, for the record. */
export class LiveChance implements Chance, Decision {
  readonly passedOver: { channel: string; reason: Exclusion['reason'] }[] = []
  readonly #parts: LiveParts
  #seed: number | undefined
  #isAsked = false
  #now: number

  constructor(parts: LiveParts) {
    this.#parts = parts
    this.#now = parts.clock()
  }

  get hasAffinity(): boolean {
    return this.#seed !== undefined
  }

  renew(): void {
    this.#now = this.#parts.clock()
  }

  random(): number {
    return this.#parts.random()
  }

  nextTurn({ channel }: Entry): number {
    const { turns } = this.#parts
    const turn = turns.get(channel.id) ?? 0
    turns.set(channel.id, turn + 1)
    return turn
  }

  affinity(): number | undefined {
    if (!this.#isAsked) this.#seed = this.#parts.ask.affinity()
    this.#isAsked = true
    return this.#seed
  }

  judge(entry: Entry): Exclusion | undefined {
    const { health } = this.#parts
    return this.#note(entry, health.judge(entry.channel, entry.upstreamModel, this.#now))
  }

  judgeKey(entry: Entry, key: ChannelKey): Exclusion | undefined {
    const { health } = this.#parts
    const exclusion = health.judgeKey(entry.channel, key, entry.upstreamModel, this.#now)
    // With a key that rests a channel is not passed over yet: it has others.
    return entry.channel.keys.length > 1 ? exclusion : this.#note(entry, exclusion)
  }

  share({ channel, upstreamModel }: Entry): number {
    const { health } = this.#parts
    return health.share(channel, upstreamModel, this.#now)
  }

  #note({ channel }: Entry, exclusion: Exclusion | undefined): Exclusion | undefined {
    if (exclusion === undefined || this.passedOver.length >= passedOverMax) return exclusion
    const { name } = channel
    if (!this.passedOver.some(each => each.channel === name))
      this.passedOver.push({ channel: name, reason: exclusion.reason })
    return exclusion
  }
}
