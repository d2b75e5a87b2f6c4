import { LRUCache } from 'lru-cache'
import { costWithin, fits, leak, moved, type Rate, resetMs } from './gcra.ts'
import { type Bucket, type Correction, costOf, type Take, type Taken } from './types.ts'

interface Level {
  level: number
  /** Whole milliseconds of the caller's clock. */
  at: number
  /** When nothing is taken any more: the entry is as good as none. */
  emptyAt: number
}

/** Buckets in this process. Rates that are whole again are swept; places are kept while somebody has one. */
export class LocalBuckets {
  /** Made for the first of them: its places are all there from then on, 3 MB. */
  #made: LRUCache<string, Level> | undefined
  readonly #seats = new Map<string, number>()

  readonly #limits: { readonly rateBucketsMax: number; readonly rateSweepMax: number }

  constructor(limits: { readonly rateBucketsMax: number; readonly rateSweepMax: number }) {
    this.#limits = limits
  }

  get #rates(): LRUCache<string, Level> {
    this.#made ??= new LRUCache({ max: this.#limits.rateBucketsMax })
    return this.#made
  }

  get size(): number {
    return (this.#made?.size ?? 0) + this.#seats.size
  }

  /** Takes all buckets or none. With `nodes` that share the limits this one has its part of each. */
  take({ buckets, tokens }: Take, now: number, nodes: number): Taken {
    const levels: number[] = []
    let isTaken = true
    for (const bucket of buckets) {
      const level = this.#levelOf(bucket, now, nodes)
      levels.push(level)
      if (!bucketFits(bucket, level, tokens, nodes)) isTaken = false
    }
    if (isTaken) {
      for (const [index, bucket] of buckets.entries())
        levels[index] = this.#add(bucket, tokens, now, { nodes, level: levels[index] ?? 0 })
    }
    return { isTaken, levels, nodes }
  }

  /** Notes what was taken elsewhere by this node, whether or not it fits here. */
  note({ buckets, tokens }: Take, now: number, nodes: number): void {
    for (const bucket of buckets)
      this.#add(bucket, tokens, now, { nodes, level: this.#levelOf(bucket, now, nodes) })
  }

  correct({ bucket, units }: Correction, now: number, nodes: number): void {
    const rate = shareOf(bucket, nodes)
    this.#store(bucket.name, moved(this.#levelOf(bucket, now, nodes), rate, units), now, rate)
  }

  free(name: string): void {
    const used = this.#seats.get(name)
    if (used === undefined) return
    if (used > 1) this.#seats.set(name, used - 1)
    else this.#seats.delete(name)
  }

  /** Drops what is whole again among the rates that rested longest; the others are looked at again after all the rest. */
  sweep(now: number): void {
    if (this.#made === undefined) return
    for (const name of this.#made.rkeys().take(this.#limits.rateSweepMax).toArray()) {
      const rate = this.#rates.get(name)
      if (rate !== undefined && rate.emptyAt <= now) this.#rates.delete(name)
    }
  }

  #levelOf(bucket: Bucket, now: number, nodes: number): number {
    if (bucket.kind === 'seats') return this.#seats.get(bucket.name) ?? 0
    const known = this.#rates.get(bucket.name)
    return known === undefined ? 0 : leak(known.level, now - known.at, shareOf(bucket, nodes))
  }

  #add(
    bucket: Bucket,
    tokens: number,
    now: number,
    { nodes, level }: { readonly nodes: number; readonly level: number },
  ): number {
    if (bucket.kind === 'seats') {
      this.#seats.set(bucket.name, level + 1)
      return level + 1
    }
    const rate = shareOf(bucket, nodes)
    const after = moved(level, rate, costWithin(costOf(bucket, tokens), rate))
    this.#store(bucket.name, after, now, rate)
    return after
  }

  #store(name: string, level: number, now: number, rate: Rate): void {
    if (level <= 0) {
      this.#rates.delete(name)
      return
    }
    const known = this.#rates.get(name)
    const at = known === undefined ? now : Math.max(known.at, now)
    const emptyAt = at + resetMs(level, rate)
    if (known === undefined) {
      this.#rates.set(name, { level, at, emptyAt })
      return
    }
    known.level = level
    known.at = at
    known.emptyAt = emptyAt
  }
}

/** This node's part of a rate: rounded up, so that all nodes together let through at most one unit each too many. */
export function shareOf<Limited extends { readonly limit: number }>(bucket: Limited, nodes: number): Limited {
  return nodes <= 1 ? bucket : { ...bucket, limit: Math.ceil(bucket.limit / nodes) }
}

export function bucketFits(bucket: Bucket, level: number, tokens: number, nodes: number): boolean {
  if (bucket.kind === 'seats') return level < shareOf(bucket, nodes).limit
  const rate = shareOf(bucket, nodes)
  return fits(level, rate, costWithin(costOf(bucket, tokens), rate))
}
