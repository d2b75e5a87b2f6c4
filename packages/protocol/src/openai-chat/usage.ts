import { countAt, detailModalities, firstCount, usageOf } from '../counts.ts'
import { isWire, listAt, textAt, type Wire, wireAt } from '../reading.ts'
import type { CacheWrite, ServerTools, Usage } from '../usage.ts'

/**
 * `usage` of chat completions, legacy completions and embeddings → neutral counts. `prompt_tokens` already
 * includes what was cached and written, `completion_tokens` the reasoning. Images and transcriptions write
 * `input_tokens` in the same member. `whole` is the answer or chunk around it: Moonshot reports cached tokens
 * in `choices[].usage`, llama.cpp in `timings`. Source: `CompletionUsage` of `openai` 7.57; conversion spec
 * 1.5 for the vendors.
 */
export function parseUsage(usage: unknown, whole?: unknown): Usage | undefined {
  if (!isWire(usage)) return undefined
  const promptDetails = wireAt(usage, 'prompt_tokens_details') ?? wireAt(usage, 'input_tokens_details')
  const outputDetails = wireAt(usage, 'completion_tokens_details') ?? wireAt(usage, 'output_tokens_details')
  const totals = totalsOf(usage, listAt(whole, 'choices').length > 0)
  if (!totals) return undefined
  const reasoning = countAt(outputDetails, 'reasoning_tokens')
  return usageOf({
    input: totals.input,
    cacheRead: cacheReadOf(usage, whole),
    cacheWrite: cacheWriteOf(usage),
    inputBy: detailModalities(promptDetails),
    output: totals.output + outsideReasoning(usage, totals, reasoning),
    reasoning,
    outputBy: detailModalities(outputDetails),
    server: serverOf(usage),
    tier: textAt(whole, 'service_tier') || undefined,
  })
}

interface Totals {
  readonly input: number
  readonly output: number
}

/**
 * A missing half follows from the total. A total alone is all input, unless something was generated: then
 * nothing is known.
 */
function totalsOf(usage: Wire, isGenerated: boolean): Totals | undefined {
  const input = firstCount(usage, 'prompt_tokens', 'input_tokens')
  const output = firstCount(usage, 'completion_tokens', 'output_tokens')
  if (input !== undefined && output !== undefined) return { input, output }
  const total = countAt(usage, 'total_tokens')
  if (total === undefined) return undefined
  if (input !== undefined) return { input, output: Math.max(0, total - input) }
  if (output !== undefined) return { input: Math.max(0, total - output), output }
  return isGenerated ? undefined : { input: total, output: 0 }
}

/** Some vendors leave reasoning out of `completion_tokens`; the total gives them away (xAI, Perplexity). */
function outsideReasoning(usage: Wire, totals: Totals, reasoning: number | undefined): number {
  const total = countAt(usage, 'total_tokens')
  if (total === undefined || reasoning === undefined) return 0
  return total - totals.input - totals.output === reasoning ? reasoning : 0
}

/** The vendors' cascade: the first count above 0 is the one. */
function cacheReadOf(usage: Wire, whole: unknown): number {
  const own =
    countAt(wireAt(usage, 'prompt_tokens_details'), 'cached_tokens') ||
    countAt(wireAt(usage, 'input_tokens_details'), 'cached_tokens') ||
    firstCount(usage, 'cached_tokens', 'prompt_cache_hit_tokens')
  if (own) return own
  for (const choice of listAt(whole, 'choices')) {
    const cached = countAt(wireAt(choice, 'usage'), 'cached_tokens')
    if (cached) return cached
  }
  return countAt(wireAt(whole, 'timings'), 'cache_n') ?? 0
}

const creationKeys = ['cached_creation_tokens', 'cache_creation_tokens', 'cache_creation_input_tokens']

/**
 * OpenAI writes for 30 minutes. The vendors' other names come from Anthropic's caches (DashScope, New API): 5
 * minutes, less what they say was written for an hour.
 */
function cacheWriteOf(usage: Wire): Partial<CacheWrite> {
  for (const key of ['prompt_tokens_details', 'input_tokens_details']) {
    const written = writtenIn(wireAt(usage, key), usage)
    if (written) return written
  }
  return writtenIn(usage, usage) ?? {}
}

function writtenIn(holder: Wire | undefined, usage: Wire): Partial<CacheWrite> | undefined {
  const openAi = countAt(holder, 'cache_write_tokens')
  if (openAi) return { '30m': openAi }
  const created = firstCount(holder, ...creationKeys)
  if (!created) return undefined
  const hour =
    countAt(wireAt(holder, 'cache_creation'), 'ephemeral_1h_input_tokens') ??
    countAt(usage, 'claude_cache_creation_1_h_tokens') ??
    0
  const long = Math.min(hour, created)
  return { '5m': created - long, '1h': long }
}

/** Searches: OpenRouter's `server_tool_use`, DashScope's `plugins.search`. */
function serverOf(usage: Wire): Partial<ServerTools> {
  const webSearch =
    countAt(wireAt(usage, 'server_tool_use'), 'web_search_requests') ??
    countAt(wireAt(wireAt(usage, 'plugins'), 'search'), 'count')
  return webSearch === undefined ? {} : { webSearch }
}
