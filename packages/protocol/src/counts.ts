import { isWire } from './reading.ts'
import type { CacheWrite, Modalities, ServerTools, Usage } from './usage.ts'
import { noCacheWrite, noServerTools } from './usage.ts'

/**
 * More than any request can count (10¹²); what is beyond is garbage, and sums of counts stay exact below 2⁵³.
 */
const countMax = 1e12

/** The count at `key`: whole, not negative; `undefined` when nothing countable is there. */
export function countAt(holder: unknown, key: string): number | undefined {
  if (!isWire(holder)) return undefined
  const value = holder[key]
  return typeof value === 'number' && value >= 0 && value <= countMax ? Math.floor(value) : undefined
}

/** The first count above 0 among `keys`; 0 when all are 0, `undefined` when none is there. */
export function firstCount(holder: unknown, ...keys: readonly string[]): number | undefined {
  let found: number | undefined
  for (const key of keys) {
    const count = countAt(holder, key)
    if (count !== undefined && count > 0) return count
    found ??= count
  }
  return found
}

/** What a dialect read; the parts it did not see stay away. */
interface Counts {
  readonly input: number
  readonly cacheRead?: number | undefined
  readonly cacheWrite?: Partial<CacheWrite>
  readonly inputBy?: Modalities
  readonly toolUse?: number | undefined
  readonly output: number
  readonly reasoning?: number | undefined
  readonly outputBy?: Modalities
  readonly server?: Partial<ServerTools>
  readonly tier?: string | undefined
}

/**
 * Counts as a usage that keeps its invariants: cached parts and reasoning are believed and raise their whole,
 * so that what is left of it is 0 and never negative; other parts are cut to it. Zeros alone are no report.
 */
export function usageOf(counts: Counts): Usage | undefined {
  const cacheRead = counts.cacheRead ?? 0
  const cacheWrite = { ...noCacheWrite, ...counts.cacheWrite }
  const written = cacheWrite['5m'] + cacheWrite['30m'] + cacheWrite['1h'] + cacheWrite['12h']
  const input = Math.max(counts.input, cacheRead + written)
  const output = Math.max(counts.output, counts.reasoning ?? 0)
  if (input === 0 && output === 0) return undefined
  return {
    input,
    cacheRead,
    cacheWrite,
    inputBy: within(counts.inputBy ?? {}, input),
    toolUse: Math.min(counts.toolUse ?? 0, input),
    output,
    reasoning: counts.reasoning,
    outputBy: within(counts.outputBy ?? {}, output),
    server: { ...noServerTools, ...counts.server },
    tier: counts.tier,
  }
}

/** The dearer modalities first: of a report that says too much, text is cut. */
const modalities = ['audio', 'image', 'video', 'document', 'text'] as const

function within(split: Modalities, whole: number): Modalities {
  const cut: { -readonly [Key in keyof Modalities]: Modalities[Key] } = {}
  let left = whole
  for (const modality of modalities) {
    const count = split[modality]
    if (count === undefined) continue
    cut[modality] = Math.min(count, left)
    left -= cut[modality]
  }
  return cut
}

/** A split by modality out of possibly missing counts; what is missing stays away. */
export function modalitiesOf(counts: { readonly [Key in keyof Modalities]: number | undefined }): Modalities {
  const split: { -readonly [Key in keyof Modalities]: Modalities[Key] } = {}
  for (const modality of modalities) {
    const count = counts[modality]
    if (count !== undefined) split[modality] = count
  }
  return split
}

/** The split of OpenAI's `…_tokens_details`; vendors add `video_tokens`. */
export function detailModalities(details: unknown): Modalities {
  return modalitiesOf({
    text: countAt(details, 'text_tokens'),
    audio: countAt(details, 'audio_tokens'),
    image: countAt(details, 'image_tokens'),
    video: countAt(details, 'video_tokens'),
  })
}
