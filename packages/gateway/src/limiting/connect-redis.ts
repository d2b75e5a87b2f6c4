import { probeKey, RedisBuckets, type RedisBucketsParts } from './redis-buckets.ts'

export interface RedisParts extends Omit<RedisBucketsParts, 'redis'> {
  readonly url: string
  readonly limits: RedisBucketsParts['limits'] & { readonly redisConnectMs: number }
}

/** Connects, and waits for it a short while; a Redis that is away joins when it comes. The library is loaded here and only then. */
export async function connectRedis({ url, ...parts }: RedisParts): Promise<RedisBuckets> {
  const { redisConnectMs } = parts.limits
  const { Redis } = await import('ioredis')
  const redis = new Redis(url, {
    connectTimeout: redisConnectMs,
    // A command is answered now or not at all: the limits have a way without Redis.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: times => Math.min(times * 100, redisConnectMs),
    connectionName: 'yumen-limits',
    lazyConnect: true,
  })
  const buckets = new RedisBuckets({ redis, ...parts })
  await redis.connect().catch(() => undefined) // told by the event `error`
  const endsAt = performance.now() + parts.limits.redisTimeoutMs
  while (redis.status === 'ready' && !buckets.isAvailable && performance.now() < endsAt) await nextTurn()
  return buckets
}

/** Why Redis cannot be used, or `undefined` when it takes a write. */
export async function pingRedis(
  url: string,
  { redisConnectMs }: { readonly redisConnectMs: number },
): Promise<string | undefined> {
  const { Redis } = await import('ioredis')
  const redis = new Redis(url, {
    connectTimeout: redisConnectMs,
    commandTimeout: redisConnectMs,
    retryStrategy: () => null,
    lazyConnect: true,
  })
  let refusal: string | undefined
  redis.on('error', error => {
    refusal = error.message
  })
  try {
    await redis.connect()
    await redis.set(probeKey, '1', 'PX', redisConnectMs)
    return undefined
  } catch (error) {
    return refusal ?? (error instanceof Error ? error.message : String(error))
  } finally {
    redis.disconnect()
  }
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 1))
}
