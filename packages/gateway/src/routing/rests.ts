import type { Exclusion } from './exclusion.ts'

/** What rests: a key, a model, one of them with the other, or, both empty, the channel. */
export interface Place {
  readonly fingerprint: string
  readonly model: string
}

export const wholeChannel: Place = { fingerprint: '', model: '' }

export interface Told {
  readonly reason: Exclusion['reason']
  /** Whether the upstream named the time: then it is kept, also when there is nobody else to ask. */
  readonly isNamed: boolean
}

export interface RestRules {
  /** Without a named time a place rests so long at first, twice as long after each further refusal. */
  readonly restMs: number
  readonly restMsMax: number
}

/** A refusal: when its attempt began and ended, in the order of all that this node has seen, and the time that was named, if one was. */
export interface Refusal {
  readonly reason: Exclusion['reason']
  readonly ms: number | undefined
  readonly began: number
  readonly ended: number
}

interface Rest {
  readonly reason: Exclusion['reason']
  readonly until: number
}

/** Concluded by this node from refusals without a time. */
interface Concluded extends Rest {
  /** Refusals in a row: each doubles the rest. */
  readonly strikes: number
  /** The place in the order of events at which it was concluded. */
  readonly at: number
}

/** What rests of one place. What was named and what was concluded are apart: the time of one says nothing of the other. */
interface Resting {
  named: Rest | undefined
  concluded: Concluded | undefined
  /** From other nodes. */
  heard: (Rest & { readonly isNamed: boolean }) | undefined
}

/** What rests of one channel. Names of models may be a client's, so it is bounded: what was touched longest ago goes. */
export class Rests {
  readonly #max: number
  readonly #places = new Map<string, Resting>()

  constructor(max: number) {
    this.#max = max
  }

  /** Most channels at most times. */
  get isEmpty(): boolean {
    return this.#places.size === 0
  }

  /** What the upstream named is hard; with nobody else to ask, what was only concluded is asked, for it may be well again. */
  find(place: Place, now: number): Exclusion | undefined {
    const found = this.#places.get(nameOf(place))
    if (found === undefined) return undefined
    const { named, concluded, heard } = found
    if (isOn(named, now)) return { reason: named.reason, isSoft: false, until: named.until }
    if (isOn(heard, now) && heard.isNamed) return { reason: heard.reason, isSoft: false, until: heard.until }
    const soft = isOn(concluded, now) ? concluded : heard
    return isOn(soft, now) ? { reason: soft.reason, isSoft: true, until: soft.until } : undefined
  }

  /** What fails again after its rest rests longer; of many attempts that were under way together the first counts. */
  rest(place: Place, { reason, ms, began, ended }: Refusal, now: number, rules: RestRules): void {
    const resting = this.#of(place)
    if (ms !== undefined) {
      resting.named = { reason, until: Math.max(resting.named?.until ?? 0, now + ms) }
      return
    }
    const { concluded } = resting
    if (concluded !== undefined && began < concluded.at) return
    const isLongAgo = concluded !== undefined && now > concluded.until + rules.restMsMax
    const strikes = concluded === undefined || isLongAgo ? 1 : concluded.strikes + 1
    const until = now + Math.min(rules.restMs * 2 ** (strikes - 1), rules.restMsMax)
    resting.concluded = { reason, until, strikes, at: ended }
  }

  /**
   * An answer came to an attempt that began at `began`: what was concluded before it is forgiven, here and by what others say. A time
   * that an upstream named is kept until it is over. Whether there was anything to forgive.
   */
  forgive(place: Place, began: number, now: number): boolean {
    const name = nameOf(place)
    const resting = this.#places.get(name)
    if (resting === undefined) return false
    const { concluded, heard } = resting
    const isForgiven = concluded !== undefined && concluded.at < began
    const isUnheard = heard !== undefined && !heard.isNamed
    if (isForgiven) resting.concluded = undefined
    if (isUnheard) resting.heard = undefined
    // Kept, it would have every request look for rests for good.
    if (!isOn(resting.named, now)) resting.named = undefined
    this.#drop(name, resting)
    return isForgiven || isUnheard
  }

  hear(place: Place, told: Told, until: number): void {
    this.#of(place).heard = { ...told, until }
  }

  /** Before all that the others say now is heard anew. */
  forgetHeard(): void {
    for (const [name, resting] of this.#places) {
      resting.heard = undefined
      this.#drop(name, resting)
    }
  }

  #of(place: Place): Resting {
    const name = nameOf(place)
    const resting = this.#places.get(name) ?? { named: undefined, concluded: undefined, heard: undefined }
    setBounded(this.#places, name, resting, this.#max)
    return resting
  }

  #drop(name: string, { named, concluded, heard }: Resting): void {
    if (named === undefined && concluded === undefined && heard === undefined) this.#places.delete(name)
  }
}

function isOn<Some extends Rest>(rest: Some | undefined, now: number): rest is Some {
  return rest !== undefined && now < rest.until
}

/** As `Map.set`; beyond `max` the entry that was set longest ago goes. */
export function setBounded<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, max: number): void {
  map.delete(key)
  map.set(key, value)
  for (const oldest of map.keys()) {
    if (map.size <= max) return
    map.delete(oldest)
  }
}

const nameOf = ({ fingerprint, model }: Place) => `${fingerprint} ${model}`
