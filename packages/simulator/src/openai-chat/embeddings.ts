import { Buffer } from 'node:buffer'
import { type Asked, plainFacts } from '../ask.ts'
import { charactersIn, isList, isObject, type JsonObject } from '../json.ts'
import { refuse } from '../refusal.ts'
import type { Script } from '../script.ts'
import { vectorFor } from '../vectors.ts'
import { list, type Wire, wire } from '../wire.ts'
import { readCount, readModel } from './chat.ts'

/** `POST …/embeddings`: strings or token numbers in, floats or base64 of little-endian 32-bit floats out. */
export function readEmbeddings(body: JsonObject): Asked {
  const model = readModel(body)
  const inputs = readInputs(body.input)
  const dimensions = readCount(body, 'dimensions', { least: 1, most: 4096 })
  const format = body.encoding_format ?? 'float'
  if (format !== 'float' && format !== 'base64') {
    refuse("Invalid 'encoding_format': expected 'float' or 'base64'.", 'encoding_format', 'invalid_value')
  }
  const facts = { ...plainFacts, model, inputCharacters: charactersIn(inputs) }
  const vectors = () => inputs.map(input => vectorFor(input, dimensions))
  return { facts, whole: script => embeddingsText(script, vectors(), format), frames: () => [] }
}

/** `POST …/moderations`: what speaks of violence is flagged. */
export function readModerations(body: JsonObject): Asked {
  const inputs = readInputs(body.input)
  const model = typeof body.model === 'string' ? body.model : 'omni-moderation-latest'
  return {
    facts: { ...plainFacts, model, inputCharacters: charactersIn(inputs) },
    whole: script => {
      const results = list(inputs.map(moderationWire))
      return wire`{"id":${`modr-${script.digest}`},"model":${model},"results":${results}}`.wire
    },
    frames: () => [],
  }
}

/** Each input as text. A list of numbers is one input in tokens; a list of anything else is many. */
function readInputs(input: unknown): readonly string[] {
  if (typeof input === 'string' && input !== '') return [input]
  if (isList(input) && input.length > 0 && input.length <= 2048) {
    if (input.every(token => Number.isInteger(token))) return [JSON.stringify(input)]
    return input.map((item, index) => {
      const isTokens = isList(item) && item.every(token => Number.isInteger(token))
      if (typeof item === 'string' && item !== '') return item
      if (isTokens || isObject(item)) return JSON.stringify(item)
      return refuse(
        `'$.input[${index}]' is invalid. Please check the API reference.`,
        'input',
        'invalid_value',
      )
    })
  }
  return refuse("Missing required parameter: 'input'.", 'input', 'missing_required_parameter')
}

function embeddingsText(script: Script, vectors: readonly (readonly number[])[], format: string): string {
  const rows = vectors.map((vector, index) => {
    const values =
      format === 'base64' ? Buffer.from(Float32Array.from(vector).buffer).toString('base64') : vector
    return wire`{"object":"embedding","index":${index},"embedding":${values}}`
  })
  const tokens = script.usage?.input ?? 0
  const usage = wire`{"prompt_tokens":${tokens},"total_tokens":${tokens}}`
  const tail = script.usage === undefined ? wire`` : wire`,"usage":${usage}`
  return wire`{"object":"list","data":${list(rows)},"model":${script.model}${tail}}`.wire
}

const categories = [
  'harassment',
  'harassment/threatening',
  'hate',
  'hate/threatening',
  'illicit',
  'illicit/violent',
  'self-harm',
  'self-harm/instructions',
  'self-harm/intent',
  'sexual',
  'sexual/minors',
  'violence',
  'violence/graphic',
]

function moderationWire(input: string): Wire {
  const isViolent = /violen|kill/i.test(input)
  const flags = categories.map(name => [name, isViolent && name === 'violence'])
  const scores = categories.map(name => [name, isViolent && name === 'violence' ? 0.98 : 0.0001])
  const applied = categories.map(name => [name, ['text']])
  return wire`{"flagged":${isViolent},"categories":${Object.fromEntries(flags)},
    "category_scores":${Object.fromEntries(scores)},
    "category_applied_input_types":${Object.fromEntries(applied)}}`
}
