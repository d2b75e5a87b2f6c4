import type { Exclusion } from './exclusion.ts'
import type { Health } from './health.ts'
import type { Entry } from './tiers.ts'
import type { Excluded } from './types.ts'

/** Why nothing of the entry may be tried: its own reason, or that of the key which is back first. */
export function exclusionOf(
  { channel, upstreamModel }: Entry,
  health: Pick<Health, 'judge' | 'judgeKey'>,
  now: number,
): Exclusion | undefined {
  const own = health.judge(channel, upstreamModel, now)
  if (own !== undefined) return own
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
