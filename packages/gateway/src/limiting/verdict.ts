import { costWithin, remaining, resetMs, waitMs } from './gcra.ts'
import { bucketFits, shareOf } from './local-buckets.ts'
import {
  type Bucket,
  type Counter,
  costOf,
  type Refusal,
  type Standing,
  type Take,
  type Taken,
} from './types.ts'

/** The limit that was reached; of several the one that lasts longest, so that a retry meets no other. */
export function findRefusal({ buckets, tokens }: Take, taken: Taken, concurrencyRetryMs: number): Refusal {
  let longest: { readonly bucket: Bucket; readonly ms: number } | undefined
  for (const [index, bucket] of buckets.entries()) {
    const level = taken.levels[index] ?? 0
    if (bucketFits(bucket, level, tokens, taken.nodes)) continue
    const ms = waitOf(bucket, level, tokens, { nodes: taken.nodes, concurrencyRetryMs })
    if (longest === undefined || ms > longest.ms) longest = { bucket, ms }
  }
  if (longest === undefined) throw new Error('a request was refused and no limit is reached')
  const { bucket, ms } = longest
  return { scope: bucket.scope, unit: bucket.unit, message: describe(bucket, ms), retryAfterMs: ms }
}

function waitOf(
  bucket: Bucket,
  level: number,
  tokens: number,
  { nodes, concurrencyRetryMs }: { readonly nodes: number; readonly concurrencyRetryMs: number },
): number {
  if (bucket.kind === 'seats') return concurrencyRetryMs
  const rate = shareOf(bucket, nodes)
  return waitMs(level, rate, costWithin(costOf(bucket, tokens), rate))
}

/** For each unit the limit of which least is left. `limit` is the whole one; what is left is what this place may still give. */
export function standingOf({ buckets }: Take, { levels, nodes }: Taken, at: number): Standing {
  let requests: Counter | undefined
  let tokens: Counter | undefined
  for (const [index, bucket] of buckets.entries()) {
    if (bucket.kind === 'seats') continue
    const level = levels[index] ?? 0
    const rate = shareOf(bucket, nodes)
    const counter = {
      limit: bucket.limit,
      remaining: remaining(level, rate),
      resetMs: resetMs(level, rate),
    }
    if (bucket.unit === 'tokens') tokens = tighter(tokens, counter)
    else requests = tighter(requests, counter)
  }
  return { requests, tokens, at }
}

function tighter(known: Counter | undefined, found: Counter): Counter {
  return known === undefined || found.remaining < known.remaining ? found : known
}

function describe(bucket: Bucket, ms: number): string {
  const models = bucket.models === undefined ? '' : ` with ${bucket.models}`
  return `rate limit reached: ${bucket.subject} may ${allowance(bucket)}${models}; try again in ${Math.max(1, Math.ceil(ms / 1_000))} s`
}

function allowance(bucket: Bucket): string {
  switch (bucket.unit) {
    case 'requests':
      return `make ${counted(bucket.limit, 'request')} ${per(bucket.windowMs)}`
    case 'successes':
      return `make ${counted(bucket.limit, 'successful request')} ${per(bucket.windowMs)}`
    case 'tokens':
      return `use ${counted(bucket.limit, 'token')} ${per(bucket.windowMs)}`
    case 'concurrency':
      return `have ${counted(bucket.limit, 'request')} under way at once`
  }
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
const per = (windowMs: number) => (windowMs === 60_000 ? 'a minute' : `in ${windowMs / 60_000} minutes`)
