import { countAt, detailModalities, firstCount, usageOf } from '../counts.ts'
import { isWire, listAt, textAt, type Wire, wireAt } from '../reading.ts'
import type { CacheWrite, ServerTools, Usage } from '../usage.ts'

/**
 * `usage` of a response → neutral counts. Input includes what was cached and written, output the reasoning.
 * `whole` is the response around it: tier, and the calls of built-in tools. Source: `ResponseUsage` and
 * `Response.ToolUsage` of `openai` 7.57.
 */
export function parseUsage(usage: unknown, whole?: unknown): Usage | undefined {
  if (!isWire(usage)) return undefined
  const input = firstCount(usage, 'input_tokens', 'prompt_tokens')
  const output = firstCount(usage, 'output_tokens', 'completion_tokens')
  if (input === undefined || output === undefined) return undefined
  const inputDetails = wireAt(usage, 'input_tokens_details') ?? wireAt(usage, 'prompt_tokens_details')
  const outputDetails = wireAt(usage, 'output_tokens_details') ?? wireAt(usage, 'completion_tokens_details')
  return usageOf({
    input,
    cacheRead: countAt(inputDetails, 'cached_tokens'),
    cacheWrite: cacheWriteOf(inputDetails),
    inputBy: detailModalities(inputDetails),
    output,
    reasoning: countAt(outputDetails, 'reasoning_tokens'),
    outputBy: detailModalities(outputDetails),
    server: serverOf(whole),
    tier: textAt(whole, 'service_tier') || undefined,
  })
}

/** By time to live where the details tell it, else all for 30 minutes. */
function cacheWriteOf(details: Wire | undefined): Partial<CacheWrite> {
  const split = wireAt(details, 'cache_write_tokens_details')
  const halfHour = countAt(split, 'ttl_30m_tokens') ?? 0
  const halfDay = countAt(split, 'ttl_12h_tokens') ?? 0
  const total = countAt(details, 'cache_write_tokens') ?? 0
  return halfHour + halfDay > 0 ? { '30m': halfHour, '12h': halfDay } : { '30m': total }
}

/** Searches as the response counts them, else its items; never the tools it was merely offered. */
function serverOf(whole: unknown): Partial<ServerTools> {
  const counted = countAt(wireAt(wireAt(whole, 'tool_usage'), 'web_search'), 'num_requests')
  return {
    webSearch: counted ?? countItems(whole, 'web_search_call'),
    fileSearch: countItems(whole, 'file_search_call'),
    codeCalls: countItems(whole, 'code_interpreter_call'),
  }
}

function countItems(whole: unknown, type: string): number {
  return listAt(whole, 'output').filter(item => textAt(item, 'type') === type).length
}
