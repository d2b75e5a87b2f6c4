import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { costWithin } from './gcra.ts'
import { endScript, renewScript, takeScript } from './scripts.ts'
import { type Bucket, type Correction, costOf, type Take, type Taken } from './types.ts'

export interface RedisBucketsParts {
  readonly redis: Redis
  /** Whose limits they are: installations that share a Redis do not meet. */
  readonly installation: string
  readonly limits: {
    readonly redisTimeoutMs: number
    readonly redisProbeMs: number
    readonly redisSeatMs: number
    readonly redisSeatsPerRenewal: number
  }
  /** Once for each time that Redis goes away. */
  readonly onAway: (error: unknown) => void
  readonly onBack: () => void
}

/** Buckets that all nodes share. When Redis does not answer in time they are away, and back by themselves. */
export class RedisBuckets {
  isAvailable = false
  readonly #parts: RedisBucketsParts
  /** Places of requests under way, by seat, so that they are renewed; at most as many as there are requests. */
  readonly #seats = new Map<string, readonly string[]>()
  readonly #probe: NodeJS.Timeout
  readonly #renewal: NodeJS.Timeout
  #isProbing = false
  #hasSaidAway = false

  constructor(parts: RedisBucketsParts) {
    this.#parts = parts
    const { redis, limits } = parts
    // A lost connection shows at the commands that it takes along; ioredis wants a listener.
    redis.on('error', error => this.#leave(error))
    redis.on('close', () => this.#leave(new Error('the connection to Redis was closed')))
    redis.on('ready', () => this.#look())
    this.#probe = setInterval(() => {
      if (!this.isAvailable) this.#look()
    }, limits.redisProbeMs)
    this.#renewal = setInterval(() => this.#renew(), limits.redisSeatMs / 3)
    this.#probe.unref()
    this.#renewal.unref()
  }

  /** Takes all buckets or none; `undefined` when Redis did not say. */
  async take(ask: Take, seat: string): Promise<Taken | undefined> {
    const { limits } = this.#parts
    const asked = this.#run(takeScript, ask.buckets, [
      '',
      seat,
      limits.redisSeatMs,
      ...ask.buckets.flatMap(bucket => [...rateOf(bucket), costWithin(costOf(bucket, ask.tokens), bucket)]),
    ])
    const answer = await this.#within(asked)
    if (answer === undefined) {
      asked.then(late => this.#undo(ask, seat, late)).catch(ignoreLate)
      return undefined
    }
    const [taken, ...levels] = numbersIn(answer)
    return { isTaken: taken === 1, levels, nodes: 1 }
  }

  /** Remembers the places of a request, which are renewed from now on. */
  hold(seat: string, buckets: readonly Bucket[]): void {
    const names = buckets.filter(bucket => bucket.kind === 'seats').map(({ name }) => name)
    if (names.length > 0) this.#seats.set(seat, names)
  }

  /** Gives the places back and corrects the rates. Not waited for: what is lost with Redis lapses. */
  end(seat: string, buckets: readonly Bucket[], corrections: readonly Correction[]): void {
    this.#seats.delete(seat)
    if (!this.isAvailable) return
    const places = buckets.filter(bucket => bucket.kind === 'seats')
    this.#sendEnd(seat, places, corrections).catch(error => this.#leave(error))
  }

  async close(): Promise<void> {
    clearInterval(this.#probe)
    clearInterval(this.#renewal)
    this.isAvailable = false
    this.#hasSaidAway = true
    this.#parts.redis.disconnect()
  }

  /** What was taken too late: this node has admitted or refused the request by itself meanwhile. */
  async #undo({ buckets, tokens }: Take, seat: string, late: unknown): Promise<void> {
    if (numbersIn(late)[0] !== 1) return
    const places = this.#seats.has(seat) ? [] : buckets.filter(bucket => bucket.kind === 'seats')
    const corrections = buckets
      .filter(bucket => bucket.kind === 'rate')
      .map(bucket => ({ bucket, units: -costWithin(costOf(bucket, tokens), bucket) }))
    await this.#sendEnd(seat, places, corrections)
  }

  async #sendEnd(seat: string, places: readonly Bucket[], corrections: readonly Correction[]): Promise<void> {
    const changed = [...places, ...corrections.map(({ bucket }) => bucket)]
    if (changed.length === 0) return
    const units = [...places.map(() => 0), ...corrections.map(correction => correction.units)]
    const args = changed.flatMap((bucket, index) => [...rateOf(bucket), units[index] ?? 0])
    await this.#run(endScript, changed, ['', seat, ...args])
  }

  /** By its hash; Redis that does not know the script yet is sent it. */
  async #run(
    source: string,
    buckets: readonly { readonly name: string }[],
    args: readonly (string | number)[],
  ) {
    const { redis, installation } = this.#parts
    const keys = buckets.map(({ name }) => `${prefix}${installation}:${name}`)
    try {
      return await redis.evalsha(hashOf(source), keys.length, ...keys, ...args)
    } catch (error) {
      if (!isUnknownScript(error)) throw error
      return redis.eval(source, keys.length, ...keys, ...args)
    }
  }

  /** The answer, or `undefined` when it does not come in time or is an error: then Redis is away. */
  async #within(asked: Promise<unknown>): Promise<unknown> {
    const { redisTimeoutMs } = this.#parts.limits
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const giveUp = () => reject(new Error(`no answer within ${redisTimeoutMs} ms`))
      // One turn more: after a pause of this process the answer may lie in the socket while the time is over.
      timer = setTimeout(() => setImmediate(giveUp), redisTimeoutMs)
    })
    try {
      return await Promise.race([asked, late])
    } catch (error) {
      this.#leave(error)
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }

  #leave(error: unknown): void {
    this.isAvailable = false
    if (this.#hasSaidAway) return
    this.#hasSaidAway = true
    this.#parts.onAway(error)
  }

  /** A write, since a replica and a full Redis answer every question and take nothing. */
  #look(): void {
    const { redis, limits } = this.#parts
    if (this.#isProbing || redis.status !== 'ready') return
    this.#isProbing = true
    this.#within(redis.set(probeKey, '1', 'PX', limits.redisProbeMs))
      .then(answer => {
        if (answer !== 'OK') return
        this.isAvailable = true
        this.#renew()
        if (this.#hasSaidAway) this.#parts.onBack()
        this.#hasSaidAway = false
      })
      .finally(() => {
        this.#isProbing = false
      })
      .catch(ignoreLate)
  }

  #renew(): void {
    if (!this.isAvailable) return
    const { redisSeatMs, redisSeatsPerRenewal } = this.#parts.limits
    const places = [...this.#seats].flatMap(([seat, names]) => names.map(name => ({ seat, name })))
    for (let from = 0; from < places.length; from += redisSeatsPerRenewal) {
      const some = places.slice(from, from + redisSeatsPerRenewal)
      const args = ['', redisSeatMs, ...some.map(({ seat }) => seat)]
      this.#run(renewScript, some, args).catch(error => this.#leave(error))
    }
  }
}

/** One slot for all keys: a request's buckets are taken by one script, also in a cluster. */
const prefix = 'yumen:{limits}:'
export const probeKey = `${prefix}probe`

function rateOf(bucket: Bucket): readonly [windowMs: number, limit: number] {
  return [bucket.kind === 'seats' ? 0 : bucket.windowMs, bucket.limit]
}

const hashes = new Map<string, string>()
function hashOf(source: string): string {
  const known = hashes.get(source)
  if (known !== undefined) return known
  const hash = createHash('sha1').update(source).digest('hex')
  hashes.set(source, hash)
  return hash
}

/** Redis has codes at the head of its messages, and nowhere else. */
function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

function numbersIn(answer: unknown): readonly number[] {
  if (!Array.isArray(answer)) throw new Error('the script of the limits answered no list')
  return answer.map(Number)
}

/** Nobody waits for it any more: the failure was told when Redis left. */
function ignoreLate(): void {}
