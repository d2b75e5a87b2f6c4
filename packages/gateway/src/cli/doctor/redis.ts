import { type Environment, limits, maskUserinfo } from '#config'
import { pingRedis } from '#limiting'
import { type Check, fail, ok } from './check.ts'

/** Whether Redis takes what nodes share, where one is set. */
export async function checkRedis({ redisUrl }: Environment): Promise<readonly Check[]> {
  if (redisUrl === undefined) return []
  const address = maskUserinfo(redisUrl)
  const refusal = await pingRedis(redisUrl, limits)
  if (refusal === undefined) return [ok('redis', `${address} answers and takes writes`)]
  return [
    fail(
      'redis',
      `${address} cannot be used (${refusal})`,
      'correct REDIS_CONN_STRING or start Redis; until then each node keeps its part of the rate limits',
    ),
  ]
}
