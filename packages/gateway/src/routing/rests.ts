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

interface Rest extends Told {
  readonly until: number
  /** Refusals in a row: each doubles the rest. */
  readonly strikes: number
}

/**
 * What rests of one channel: found out by this node, and, apart from it, what the others say. Names of models may be a client's, so
 * both are bounded: the oldest go.
 */
export class Rests {
  readonly #max: number
  readonly #own = new Map<string, Rest>()
  readonly #heard = new Map<string, Rest>()

  constructor(max: number) {
    this.#max = max
  }

  /** Most channels at most times. */
  get isEmpty(): boolean {
    return this.#own.size === 0 && this.#heard.size === 0
  }

  find(place: Place, now: number): Exclusion | undefined {
    const name = nameOf(place)
    return exclusionOf(this.#own.get(name), now) ?? exclusionOf(this.#heard.get(name), now)
  }

  /** Milliseconds that it rests from now on. What fails again right after its rest rests longer. */
  rest(
    place: Place,
    told: Told & { readonly ms: number | undefined },
    now: number,
    rules: RestRules,
  ): number {
    const name = nameOf(place)
    const known = this.#own.get(name)
    const strikes = (known?.strikes ?? 0) + 1
    const ms = told.ms ?? Math.min(rules.restMs * 2 ** (strikes - 1), rules.restMsMax)
    const until = Math.max(known?.until ?? 0, now + ms)
    setBounded(this.#own, name, { until, reason: told.reason, strikes, isNamed: told.isNamed }, this.#max)
    return until - now
  }

  /** An answer came: what was resting, if anything was. */
  forgive(place: Place): Told | undefined {
    const name = nameOf(place)
    this.#heard.delete(name)
    const known = this.#own.get(name)
    this.#own.delete(name)
    return known
  }

  hear(place: Place, told: Told, until: number): void {
    setBounded(this.#heard, nameOf(place), { ...told, until, strikes: 0 }, this.#max)
  }

  /** Before all that the others say now is heard anew. */
  forgetHeard(): void {
    this.#heard.clear()
  }
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

/** What was only concluded is soft: with nobody else to ask, an upstream that may be well again is asked. */
function exclusionOf(rest: Rest | undefined, now: number): Exclusion | undefined {
  if (rest === undefined || now >= rest.until) return undefined
  return { reason: rest.reason, isSoft: !rest.isNamed, until: rest.until }
}
