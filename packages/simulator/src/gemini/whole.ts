import { type Finish, type Script, type ScriptedCall, textOf, type Usage } from '../script.ts'
import { signatureFor } from '../signature.ts'
import { list, nothing, raw, type Wire, wire } from '../wire.ts'

const finishReasons = {
  stop: 'STOP',
  'stop-sequence': 'STOP',
  length: 'MAX_TOKENS',
  tools: 'STOP',
  refusal: 'SAFETY',
  filter: 'SAFETY',
} as const satisfies Record<Finish, string>

/** A `GenerateContentResponse`. */
export function geminiWhole(script: Script): string {
  const candidates = Array.from({ length: script.choices }, (_, index) => {
    const parts = partsOf(script, index)
    return candidateWire({ parts, index, tail: endMembers(script, index) })
  })
  const usage = script.usage === undefined ? nothing : wire`,"usageMetadata":${usageWire(script.usage)}`
  return wire`{"candidates":${list(candidates)}${usage},${headMembers(script)}}`.wire
}

export function headMembers(script: Script): Wire {
  return wire`"modelVersion":${script.model},"responseId":${script.digest}`
}

interface CandidateParts {
  readonly parts: readonly Wire[]
  readonly index: number
  /** More members, with a comma in front. */
  readonly tail: Wire
}

export function candidateWire({ parts, index, tail }: CandidateParts): Wire {
  return wire`{"content":{"parts":${list(parts)},"role":"model"}${tail},"index":${index}}`
}

export function endMembers(script: Script, index: number): Wire {
  const logprobs = script.hasLogprobs ? logprobsMembers(script.text(index)) : nothing
  return wire`,"finishReason":${finishReasons[script.finish]}${logprobs}`
}

/** Cached tokens are inside the prompt, thoughts are outside the candidates. */
export function usageWire(usage: Usage): Wire {
  const cached = usage.cacheRead === 0 ? nothing : wire`,"cachedContentTokenCount":${usage.cacheRead}`
  const thoughts = usage.reasoning === 0 ? nothing : wire`,"thoughtsTokenCount":${usage.reasoning}`
  return wire`{"promptTokenCount":${usage.input},"candidatesTokenCount":${usage.output - usage.reasoning},
    "totalTokenCount":${usage.input + usage.output}${cached}${thoughts},
    "promptTokensDetails":[{"modality":"TEXT","tokenCount":${usage.input}}]}`
}

export function thoughtPart(text: string): Wire {
  return wire`{"text":${text},"thought":true}`
}

export function textPart(text: string): Wire {
  return wire`{"text":${text}}`
}

/** The first call of a turn carries the state of the reasoning before it. */
export function callPart(script: Script, call: ScriptedCall, position: number): Wire {
  const isSigned = position === 0 && script.reasoning.length > 0
  const state = isSigned ? wire`,"thoughtSignature":${signatureFor(script.reasoning.join(''))}` : nothing
  return wire`{"functionCall":{"id":${`call-${call.id}`},"name":${call.name},
    "args":${raw(call.input)}}${state}}`
}

/** A part with nothing but the state, as Gemini ends a text that was thought about. */
export function statePart(script: Script): Wire {
  return wire`{"text":"","thoughtSignature":${signatureFor(script.reasoning.join(''))}}`
}

function partsOf(script: Script, index: number): readonly Wire[] {
  const thought = index === 0 ? script.reasoning.join('') : ''
  const text = textOf(script, index)
  const parts: Wire[] = thought === '' ? [] : [thoughtPart(thought)]
  if (text !== '') parts.push(textPart(text))
  parts.push(...script.calls.map((call, position) => callPart(script, call, position)))
  if (thought !== '' && script.calls.length === 0) parts.push(statePart(script))
  return parts
}

function logprobsMembers(tokens: Iterable<string>): Wire {
  const chosen = Array.from(tokens, token => wire`{"token":${token},"tokenId":1,"logProbability":-0.25}`)
  return wire`,"avgLogprobs":-0.25,"logprobsResult":{"chosenCandidates":${list(chosen)},"topCandidates":[]}`
}
