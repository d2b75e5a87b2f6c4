import type { Facts, Tool } from './ask.ts'
import { sampleArguments } from './sample.ts'
import { defaultDeltas, longDeltas, oddDeltas, piecesOf, refusalText, thoughtDeltas } from './text.ts'
import type { Knobs, Wishes } from './wishes.ts'

export interface ScriptedCall {
  readonly id: string
  readonly name: string
  readonly kind: 'function' | 'custom'
  /** Whole, and as the deltas of a stream. */
  readonly input: string
  readonly deltas: readonly string[]
}

/** Tokens as everybody counts them: `input` holds both cache parts, `output` holds the reasoning. */
export interface Usage {
  readonly input: number
  readonly cacheRead: number
  readonly cacheWrite: number
  readonly output: number
  readonly reasoning: number
}

export type Finish = 'stop' | 'stop-sequence' | 'length' | 'tools' | 'refusal' | 'filter'

/** An answer without a protocol. The same request and model always give the same script. */
export interface Script {
  readonly digest: string
  readonly created: number
  readonly model: string
  readonly reasoning: readonly string[]
  /** The deltas of one choice; they are made anew on each call. */
  readonly text: (choice: number) => Iterable<string>
  readonly calls: readonly ScriptedCall[]
  readonly finish: Finish
  readonly stopSequence: string | undefined
  readonly choices: number
  readonly usage: Usage | undefined
  readonly hasLogprobs: boolean
}

/** Decides what is answered. `digest` is a hash of the request, the root of every id. Pure. */
export function writeScript(facts: Facts, wishes: Wishes, digest: string): Script {
  const { words, knobs } = wishes
  const calls = callsFor(facts, words, digest)
  const budget = facts.outputMax ?? Number.POSITIVE_INFINITY
  const thinks = words.has('reasoning') || (knobs.thoughtTokens ?? 0) > 0
  const reasoning = thinks ? thoughtDeltas().slice(0, budget) : []
  const spoken = textFor(facts, words, knobs, calls.length > 0)
  const length = Math.min(spoken.length, budget - reasoning.length)
  const choices = facts.choices ?? (words.has('choices') ? 2 : 1)
  const tokens = length + calls.reduce((sum, call) => sum + call.deltas.length, 0)
  return {
    digest,
    created: 1_760_000_000 + Number.parseInt(digest.slice(0, 5), 16),
    model: facts.model,
    reasoning,
    text: choice => limited(spoken.deltas(), length, choice),
    calls,
    finish: finishFor({ facts, words, isCut: length < spoken.length, calls: calls.length }),
    stopSequence: facts.stopSequence,
    choices,
    usage: words.has('nousage')
      ? undefined
      : usageFor(facts, knobs, { text: tokens * choices + choices - 1, reasoning: reasoning.length }),
    hasLogprobs: facts.wantsLogprobs || words.has('logprobs'),
  }
}

/** The whole text of one choice. */
export function textOf(script: Script, choice = 0): string {
  return Array.from(script.text(choice)).join('')
}

interface Spoken {
  readonly length: number
  readonly deltas: () => Iterable<string>
}

function textFor(facts: Facts, words: ReadonlySet<string>, knobs: Knobs, calls: boolean): Spoken {
  if (words.has('empty') || calls) return fixed([])
  if (words.has('refusal')) return fixed(refusalText)
  if (words.has('unicode')) return fixed(oddDeltas())
  if (words.has('echo')) return fixed(piecesOf(facts.lastUserText, 8))
  if (words.has('images')) return fixed(piecesOf(imagesSeen(facts.images), 8))
  const { tokens } = knobs
  if (tokens !== undefined) return { length: tokens, deltas: () => longDeltas(tokens) }
  return fixed(defaultDeltas())
}

function fixed(deltas: readonly string[]): Spoken {
  return { length: deltas.length, deltas: () => deltas }
}

function imagesSeen(images: readonly string[]): string {
  if (images.length === 0) return 'I see no image.'
  return `I see ${images.length} image${images.length === 1 ? '' : 's'}: ${images.join('; ')}.`
}

/** Choices after the first say their number, so that mixed-up choices show. */
function* limited(deltas: Iterable<string>, length: number, choice: number): Generator<string> {
  let count = 0
  for (const delta of deltas) {
    if (count++ >= length) break
    yield delta
  }
  if (choice > 0) yield ` [choice ${choice}]`
}

function callsFor(facts: Facts, words: ReadonlySet<string>, digest: string): readonly ScriptedCall[] {
  const { tools, toolChoice } = facts
  if (tools.length === 0 || toolChoice === 'none') return []
  if (typeof toolChoice === 'object') {
    return tools
      .filter(tool => tool.name === toolChoice.name)
      .map((tool, index) => callOf(tool, index, digest))
  }
  if (facts.endsWithToolResult) return []
  const isForced = toolChoice === 'required'
  if (words.has('paralleltools')) {
    const pair = tools.length === 1 ? [...tools, ...tools] : tools.slice(0, 2)
    return pair.map((tool, index) => callOf(tool, index, digest))
  }
  if (words.has('tools') || isForced) return tools.slice(0, 1).map(tool => callOf(tool, 0, digest))
  return []
}

function callOf(tool: Tool, index: number, digest: string): ScriptedCall {
  const input =
    tool.kind === 'custom' ? 'deterministic input' : JSON.stringify(sampleArguments(tool.schema, index))
  return { id: `${digest}${index}`, name: tool.name, kind: tool.kind, input, deltas: piecesOf(input, 8) }
}

interface Ending {
  readonly facts: Facts
  readonly words: ReadonlySet<string>
  readonly isCut: boolean
  readonly calls: number
}

function finishFor({ facts, words, isCut, calls }: Ending): Finish {
  if (calls > 0) return 'tools'
  if (isCut || words.has('length')) return 'length'
  if (words.has('filter')) return 'filter'
  if (words.has('refusal')) return 'refusal'
  if (words.has('stopped') && facts.stopSequence !== undefined) return 'stop-sequence'
  return 'stop'
}

/** Stated numbers win over counted ones; parts never exceed their whole. */
function usageFor(facts: Facts, knobs: Knobs, counted: { text: number; reasoning: number }): Usage {
  const fresh = 3 + Math.ceil(facts.inputCharacters / 4)
  const cached = (knobs.readTokens ?? 0) + (knobs.writtenTokens ?? 0)
  const input = knobs.inputTokens ?? fresh + cached
  const cacheRead = Math.min(knobs.readTokens ?? 0, input)
  const output = knobs.outputTokens ?? counted.text + (knobs.thoughtTokens ?? counted.reasoning)
  return {
    input,
    cacheRead,
    cacheWrite: Math.min(knobs.writtenTokens ?? 0, input - cacheRead),
    output,
    reasoning: Math.min(knobs.thoughtTokens ?? counted.reasoning, output),
  }
}
