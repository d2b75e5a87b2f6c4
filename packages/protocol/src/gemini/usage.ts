import { countAt, modalitiesOf, usageOf } from '../counts.ts'
import { isWire, listAt, textAt, type Wire, wireAt } from '../reading.ts'
import type { Modalities, Usage } from '../usage.ts'

/**
 * `usageMetadata` → neutral counts. Their prompt includes what was cached; tool-use prompts and thoughts
 * stand outside prompt and candidates, ours are inside input and output. `whole`: the answer around it, whose
 * grounding tells the searches. Source: `GenerateContentResponseUsageMetadata` of `@google/genai` 3.3.
 */
export function parseUsage(usage: unknown, whole?: unknown): Usage | undefined {
  if (!isWire(usage)) return undefined
  const totals = totalsOf(usage, listAt(whole, 'candidates').length > 0)
  if (!totals) return undefined
  return usageOf({
    input: totals.input,
    cacheRead: countAt(usage, 'cachedContentTokenCount'),
    inputBy: splitOf([
      ...listAt(usage, 'promptTokensDetails'),
      ...listAt(usage, 'toolUsePromptTokensDetails'),
    ]),
    toolUse: countAt(usage, 'toolUsePromptTokenCount'),
    output: totals.output,
    reasoning: countAt(usage, 'thoughtsTokenCount'),
    outputBy: splitOf(listAt(usage, 'candidatesTokensDetails')),
    server: { webSearch: countSearches(whole) },
    tier: textAt(usage, 'trafficType') || undefined,
  })
}

/** Searches that Google ran to ground one object's candidates. */
export function countSearches(answer: unknown): number {
  let count = 0
  for (const candidate of listAt(answer, 'candidates')) {
    count += listAt(wireAt(candidate, 'groundingMetadata'), 'webSearchQueries').length
  }
  return count
}

interface Totals {
  readonly input: number
  readonly output: number
}

/**
 * proto3 leaves out what is 0, so without a count of candidates the total gives the output; without both it
 * is unknown, and so is all of a report that states what is no count.
 */
function totalsOf(usage: Wire, isGenerated: boolean): Totals | undefined {
  const prompt = countAt(usage, 'promptTokenCount')
  const total = countAt(usage, 'totalTokenCount')
  const candidates = countAt(usage, 'candidatesTokenCount')
  const thoughts = countAt(usage, 'thoughtsTokenCount') ?? 0
  const isGarbled = [usage.promptTokenCount, usage.candidatesTokenCount].some(
    count => count != null && !isCount(count),
  )
  if (isGarbled || (prompt === undefined && total === undefined)) return undefined
  const input = (prompt ?? 0) + (countAt(usage, 'toolUsePromptTokenCount') ?? 0)
  if (candidates) return { input, output: candidates + thoughts }
  if (total) return { input, output: Math.max(thoughts, total - input) }
  return isGenerated && candidates === undefined ? undefined : { input, output: thoughts }
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0
}

/** Modality words → ours; an unspecified one is text. */
const modalities = new Map<string, keyof Modalities>([
  ['TEXT', 'text'],
  ['MODALITY_UNSPECIFIED', 'text'],
  ['AUDIO', 'audio'],
  ['IMAGE', 'image'],
  ['VIDEO', 'video'],
  ['DOCUMENT', 'document'],
])

function splitOf(details: readonly unknown[]): Modalities {
  const sums = new Map<keyof Modalities, number>()
  for (const detail of details) {
    const modality = modalities.get(textAt(detail, 'modality'))
    const count = countAt(detail, 'tokenCount')
    if (modality !== undefined && count !== undefined) sums.set(modality, (sums.get(modality) ?? 0) + count)
  }
  return modalitiesOf({
    text: sums.get('text'),
    audio: sums.get('audio'),
    image: sums.get('image'),
    video: sums.get('video'),
    document: sums.get('document'),
  })
}
