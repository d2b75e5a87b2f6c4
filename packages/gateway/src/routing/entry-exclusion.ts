import type { Exclusion } from './exclusion.ts'
import type { Health } from './health.ts'
import type { Entry } from './tiers.ts'
import type { Excluded } from './types.ts'

/**
 * Why nothing of the entry may be tried: its own reason, or that of the key which is back first. What is hard comes before what is soft:
 * a channel that may be well again has nothing to ask with while its keys rest for a time that was named.
 */
export function exclusionOf(
  { channel, upstreamModel }: Entry,
  health: Pick<Health, 'judge' | 'judgeKey'>,
  now: number,
): Exclusion | undefined {
  const own = health.judge(channel, upstreamModel, now)
  if (own !== undefined && !own.isSoft) return own
  const first = firstBack({ channel, upstreamModel }, health, now)
  return first === undefined || (own !== undefined && first.isSoft) ? own : first
}

/** `undefined` when a key may be tried. */
function firstBack(
  { channel, upstreamModel }: Pick<Entry, 'channel' | 'upstreamModel'>,
  health: Pick<Health, 'judgeKey'>,
  now: number,
): Exclusion | undefined {
  let first: Exclusion | undefined
  for (const key of channel.keys) {
    const exclusion = health.judgeKey(channel, key, upstreamModel, now)
    if (exclusion === undefined) return undefined
    if (first === undefined || (exclusion.until ?? 0) < (first.until ?? 0)) first = exclusion
  }
  return first
}

/** As a reason with the time that is left. */
export function excludedOf({ reason, until }: Exclusion, now: number): Excluded {
  return { reason, forMs: until === undefined ? undefined : Math.max(0, Math.ceil(until - now)) }
}
