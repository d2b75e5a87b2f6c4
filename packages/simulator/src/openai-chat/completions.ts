import { type Asked, plainFacts } from '../ask.ts'
import { charactersIn, isList, type JsonObject, textOr } from '../json.ts'
import { refuse } from '../refusal.ts'
import type { Frame } from '../reply.ts'
import { type Script, textOf } from '../script.ts'
import { list, nothing, type Wire, wire } from '../wire.ts'
import { checkNumbers, readCount, readFlag, readIncludeUsage, readModel } from './chat.ts'
import { chunk, inTurns } from './stream.ts'
import { finishReasons, usageWire } from './whole.ts'

/** `POST …/completions`, the text protocol before chat. */
export function readCompletions(body: JsonObject): Asked {
  const model = readModel(body)
  const { prompt } = body
  const isText = typeof prompt === 'string' || (isList(prompt) && prompt.length > 0)
  if (!isText) refuse("Missing required parameter: 'prompt'.", 'prompt', 'missing_required_parameter')
  const isStream = readFlag(body, 'stream')
  checkNumbers(body)
  const facts = {
    ...plainFacts,
    model,
    isStream,
    choices: readCount(body, 'n', { least: 1, most: 128 }),
    outputMax: readCount(body, 'max_tokens', { least: 0, most: 1_000_000 }),
    lastUserText: textOr(isList(prompt) ? prompt[0] : prompt, ''),
    inputCharacters: charactersIn(prompt),
  }
  const includeUsage = readIncludeUsage(body, isStream)
  return { facts, whole, frames: script => frames(script, includeUsage) }
}

function whole(script: Script): string {
  const choices = Array.from({ length: script.choices }, (_, index) =>
    choiceWire(index, textOf(script, index), finishReasons[script.finish]),
  )
  const usage = script.usage === undefined ? nothing : wire`,"usage":${usageWire(script.usage)}`
  return wire`{${headOf(script)},"choices":${list(choices)}${usage}}`.wire
}

function* frames(script: Script, includeUsage: boolean): Generator<Frame> {
  const streams = Array.from({ length: script.choices }, (_, index) =>
    choiceFrames(script, index, includeUsage),
  )
  yield* inTurns(streams)
  if (includeUsage && script.usage !== undefined) {
    yield chunk('usage', wire`{${headOf(script)},"choices":[],"usage":${usageWire(script.usage)}}`.wire)
  }
  yield chunk('end', '[DONE]')
}

function* choiceFrames(script: Script, index: number, includeUsage: boolean): Generator<Frame> {
  const usage = includeUsage ? wire`,"usage":null` : nothing
  const frame = (text: string, finish: string | null) =>
    wire`{${headOf(script)},"choices":${list([choiceWire(index, text, finish)])}${usage}}`.wire
  for (const text of script.text(index)) yield chunk('delta', frame(text, null))
  yield chunk('finish', frame('', finishReasons[script.finish]))
}

function headOf(script: Script): Wire {
  return wire`"id":${`cmpl-${script.digest}`},"object":"text_completion","created":${script.created},
    "model":${script.model},"system_fingerprint":"fp_simulator"`
}

function choiceWire(index: number, text: string, finish: string | null): Wire {
  return wire`{"text":${text},"index":${index},"logprobs":null,"finish_reason":${finish}}`
}
