import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasRedis, startRedis, type TestRedis } from '../../test/redis.ts'
import { connectRedis } from './connect-redis.ts'
import { costWithin } from './gcra.ts'
import { LocalBuckets } from './local-buckets.ts'
import type { RedisBuckets } from './redis-buckets.ts'
import { endScript, takeScript } from './scripts.ts'
import { type Bucket, costOf } from './types.ts'

const limits = {
  redisTimeoutMs: 250,
  redisProbeMs: 50,
  redisSeatMs: 60_000,
  redisSeatsPerRenewal: 2,
  redisConnectMs: 1_000,
}

let server: TestRedis
let redis: Redis
const opened: RedisBuckets[] = []
const told: string[] = []

async function connect(more: Partial<typeof limits> = {}): Promise<RedisBuckets> {
  const buckets = await connectRedis({
    url: server.url,
    installation: 'here',
    limits: { ...limits, ...more },
    onAway: () => told.push('away'),
    onBack: () => told.push('back'),
  })
  opened.push(buckets)
  return buckets
}

const named = { scope: 'key', subject: 'the API key', models: undefined } as const
const rateOf = (name: string, unit: 'requests' | 'tokens', limit: number): Bucket => ({
  ...named,
  kind: 'rate',
  name,
  unit,
  limit,
  windowMs: 60_000,
})
const seatsOf = (name: string, limit: number): Bucket => ({
  ...named,
  kind: 'seats',
  name,
  unit: 'concurrency',
  limit,
})

describe.skipIf(!hasRedis())('limits in Redis', () => {
  beforeAll(async () => {
    server = await startRedis()
    redis = new Redis(server.url)
    redis.on('error', () => undefined)
  })
  afterAll(async () => {
    for (const buckets of opened) await buckets.close()
    redis.disconnect()
    await server.stop()
  })

  const moves = fc.array(
    fc.record({
      after: fc.oneof(fc.constant(0), fc.integer({ min: -50, max: 30_000 })),
      tokens: fc.integer({ min: 0, max: 3_000_000_000 }),
      ends: fc.boolean(),
      used: fc.integer({ min: 0, max: 3_000_000_000 }),
    }),
    { minLength: 1, maxLength: 30 },
  )
  const sizes = fc.record({
    requests: fc.integer({ min: 1, max: 12 }),
    tokens: fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.constant(1_000_000_000)),
    seats: fc.integer({ min: 1, max: 4 }),
  })

  test('the script and the engine in memory decide the same for any sequence', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, moves, async (size, steps) => {
        await redis.flushall()
        const local = new LocalBuckets({ rateBucketsMax: 100, rateSweepMax: 100 })
        const buckets = [
          rateOf('r', 'requests', size.requests),
          rateOf('t', 'tokens', size.tokens),
          seatsOf('c', size.seats),
        ]
        const keys = buckets.map(({ name }) => name)
        const windows = [60_000, 60_000, 0]
        const held: string[] = []
        let now = 1_700_000_000_000
        for (const [index, { after, tokens, ends, used }] of steps.entries()) {
          now += after
          const args = buckets.flatMap((bucket, place) => [
            windows[place] ?? 0,
            bucket.limit,
            costWithin(costOf(bucket, tokens), bucket),
          ])
          const answer = await redis.eval(takeScript, 3, ...keys, now, `s${index}`, 10_000_000, ...args)
          const taken = local.take({ buckets, tokens }, now, 1)
          expect(answer).toEqual([Number(taken.isTaken), ...taken.levels])
          if (taken.isTaken) held.push(`s${index}`)
          const ending = ends ? held.shift() : undefined
          if (ending === undefined) continue
          const units = [-1, used - tokens, 0]
          const changes = buckets.flatMap((bucket, place) => [
            windows[place] ?? 0,
            bucket.limit,
            units[place] ?? 0,
          ])
          await redis.eval(endScript, 3, ...keys, now, ending, ...changes)
          for (const [place, bucket] of buckets.entries()) {
            if (bucket.kind === 'rate') local.correct({ bucket, units: units[place] ?? 0 }, now, 1)
            else local.free(bucket.name)
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  test('two connections share a limit, and a place comes back', async () => {
    await redis.flushall()
    const [one, other] = [await connect(), await connect()]
    const buckets = [rateOf('shared', 'requests', 3), seatsOf('shared-seats', 2)]
    expect(await one.take({ buckets, tokens: 0 }, 'a')).toMatchObject({ isTaken: true })
    expect(await other.take({ buckets, tokens: 0 }, 'b')).toMatchObject({
      isTaken: true,
      levels: [expect.any(Number), 2],
    })
    expect(await one.take({ buckets, tokens: 0 }, 'c')).toMatchObject({ isTaken: false })
    other.end('b', buckets, [])
    await expect.poll(() => redis.zcard('yumen:{limits}:here:shared-seats')).toBe(1)
    expect(await one.take({ buckets, tokens: 0 }, 'd')).toMatchObject({ isTaken: true })
    expect(await redis.pttl('yumen:{limits}:here:shared')).toBeGreaterThan(0)
  })

  test('places of a node that died lapse, those that are held are renewed', async () => {
    await redis.flushall()
    const alive = await connect({ redisSeatMs: 600 })
    const dead = await connect({ redisSeatMs: 600 })
    const buckets = [seatsOf('lapsing', 10)]
    for (const seat of ['a', 'b', 'c']) {
      await alive.take({ buckets, tokens: 0 }, seat)
      alive.hold(seat, buckets)
    }
    await dead.take({ buckets, tokens: 0 }, 'd')
    await dead.close()
    await expect
      .poll(async () => (await alive.take({ buckets: [seatsOf('lapsing', 1)], tokens: 0 }, 'x'))?.levels, {
        timeout: 5_000,
      })
      .toEqual([3])
  })

  test('a Redis that hangs, dies and comes back is left and found again, told once each', async () => {
    told.length = 0
    const buckets = await connect()
    const ask = { buckets: [rateOf('away', 'requests', 5)], tokens: 0 }
    expect(await buckets.take(ask, 'a')).toMatchObject({ isTaken: true })
    server.pause()
    expect(await buckets.take(ask, 'b')).toBeUndefined()
    expect(buckets.isAvailable).toBe(false)
    server.resume()
    await expect.poll(() => buckets.isAvailable, { timeout: 5_000 }).toBe(true)
    // What the late answer took has been given back.
    await expect
      .poll(async () => (await redis.hget('yumen:{limits}:here:away', 'level')) ?? '0')
      .toSatisfy(level => Number(level) <= 60_000)
    await server.kill()
    await expect.poll(() => buckets.isAvailable, { timeout: 5_000 }).toBe(false)
    await server.restart()
    await expect.poll(() => buckets.isAvailable, { timeout: 10_000 }).toBe(true)
    expect(await buckets.take(ask, 'c')).toMatchObject({ isTaken: true })
    expect(told.filter(word => word === 'away').length).toBeGreaterThanOrEqual(2)
    expect(told.filter(word => word === 'away')).toHaveLength(told.filter(word => word === 'back').length)
  })
})
