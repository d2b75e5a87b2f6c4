import { countAt, usageOf } from '../counts.ts'
import { isWire, listAt, textAt, type Wire, wireAt } from '../reading.ts'
import type { CacheWrite, Usage } from '../usage.ts'

/**
 * `usage` of a message → neutral counts. Their `input_tokens` leave cached ones out, ours count them: plain +
 * read + written. `output_tokens` include thinking. Source: `Usage` and `BetaUsage` of `@anthropic-ai/sdk`
 * 1.13.
 */
export function parseUsage(usage: unknown): Usage | undefined {
  if (!isWire(usage)) return undefined
  const counts = countsOf(usage)
  if (!counts) return undefined
  const compaction = compactionOf(usage)
  const server = wireAt(usage, 'server_tool_use')
  return usageOf({
    input: counts.input + compaction.input,
    cacheRead: counts.cacheRead + compaction.cacheRead,
    cacheWrite: {
      '5m': counts.cacheWrite['5m'] + compaction.cacheWrite['5m'],
      '1h': counts.cacheWrite['1h'] + compaction.cacheWrite['1h'],
    },
    output: counts.output + compaction.output,
    reasoning: countAt(wireAt(usage, 'output_tokens_details'), 'thinking_tokens'),
    server: {
      webSearch: countAt(server, 'web_search_requests') ?? 0,
      webFetch: countAt(server, 'web_fetch_requests') ?? 0,
    },
    tier: textAt(usage, 'service_tier') || undefined,
  })
}

const inputKeys = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'] as const

/**
 * Usage of a stream so far: what `message_delta` reports is cumulative and replaces `message_start`'s, except
 * nulls. Its input side counts only when some of it is above 0: several imitations send a bare `input_tokens:
 * 0` at the end.
 */
export function mergeUsage(earlier: Wire | undefined, later: Wire): Wire {
  if (earlier === undefined) return later
  const hasInput = inputKeys.some(key => (countAt(later, key) ?? 0) > 0)
  const merged: Record<string, unknown> = { ...earlier }
  for (const [key, value] of Object.entries(later)) {
    const isEmptyInput = !hasInput && inputKeys.some(inputKey => inputKey === key)
    if (value !== null && !isEmptyInput) merged[key] = value
  }
  return merged
}

interface Counts {
  readonly input: number
  readonly cacheRead: number
  readonly cacheWrite: Pick<CacheWrite, '5m' | '1h'>
  readonly output: number
}

/** `undefined` when one of the two sides is missing. */
function countsOf(usage: Wire): Counts | undefined {
  const plain = countAt(usage, 'input_tokens')
  const read = countAt(usage, 'cache_read_input_tokens')
  const cacheWrite = cacheWriteOf(usage)
  const output = countAt(usage, 'output_tokens')
  if (output === undefined || (plain === undefined && read === undefined)) return undefined
  const cacheRead = read ?? 0
  const input = (plain ?? 0) + cacheRead + cacheWrite['5m'] + cacheWrite['1h']
  return { input, cacheRead, cacheWrite, output }
}

/** What the split does not name was written for 5 minutes; where both disagree the total is believed. */
function cacheWriteOf(usage: Wire): Counts['cacheWrite'] {
  const split = wireAt(usage, 'cache_creation')
  const short = countAt(split, 'ephemeral_5m_input_tokens') ?? 0
  const long = countAt(split, 'ephemeral_1h_input_tokens') ?? 0
  const total = countAt(usage, 'cache_creation_input_tokens') ?? short + long
  const hour = Math.min(long, total)
  return { '5m': total - hour, '1h': hour }
}

/** Compactions run on the same model and stand outside the top level, unlike every other iteration. */
function compactionOf(usage: Wire): Counts {
  let sum: Counts = { input: 0, cacheRead: 0, cacheWrite: { '5m': 0, '1h': 0 }, output: 0 }
  for (const iteration of listAt(usage, 'iterations')) {
    const counts = isWire(iteration) && iteration.type === 'compaction' ? countsOf(iteration) : undefined
    if (!counts) continue
    sum = {
      input: sum.input + counts.input,
      cacheRead: sum.cacheRead + counts.cacheRead,
      cacheWrite: {
        '5m': sum.cacheWrite['5m'] + counts.cacheWrite['5m'],
        '1h': sum.cacheWrite['1h'] + counts.cacheWrite['1h'],
      },
      output: sum.output + counts.output,
    }
  }
  return sum
}
