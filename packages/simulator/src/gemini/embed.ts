import { type Asked, plainFacts } from '../ask.ts'
import { charactersIn, isList, isObject, type JsonObject, objectsIn, textOr } from '../json.ts'
import { refuse } from '../refusal.ts'
import { vectorFor } from '../vectors.ts'
import { list, wire } from '../wire.ts'
import type { GeminiPlace } from './generate.ts'
import { member } from './members.ts'

/** `:embedContent`. */
export function readEmbed(body: JsonObject, { model }: GeminiPlace): Asked {
  const text = contentText(body.content, 'EmbedContentRequest')
  const vector = vectorFor(text, readDimensions(body))
  return {
    facts: { ...plainFacts, model, inputCharacters: charactersIn(text) },
    whole: () => wire`{"embedding":{"values":${vector}}}`.wire,
    frames: () => [],
  }
}

/** `:batchEmbedContents`; each request names the model again. */
export function readBatchEmbed(body: JsonObject, { model }: GeminiPlace): Asked {
  const { requests } = body
  if (!isList(requests) || requests.length === 0)
    refuse('* BatchEmbedContentsRequest.requests: at least one request is required')
  const vectors = requests.map((request, index) => {
    if (!isObject(request)) refuse(`Invalid value at 'requests[${index}]', expected an object.`)
    if (textOr(request.model, '') !== `models/${model}`) {
      refuse(`* BatchEmbedContentsRequest.requests[${index}].model: must match that of the whole request`)
    }
    return vectorFor(
      contentText(request.content, `BatchEmbedContentsRequest.requests[${index}]`),
      readDimensions(request),
    )
  })
  return {
    facts: { ...plainFacts, model, inputCharacters: charactersIn(requests) },
    whole: () => wire`{"embeddings":${list(vectors.map(vector => wire`{"values":${vector}}`))}}`.wire,
    frames: () => [],
  }
}

function contentText(content: unknown, place: string): string {
  if (!isObject(content) || !isList(content.parts) || content.parts.length === 0) {
    refuse(`* ${place}.content: contents is not specified`)
  }
  return objectsIn(content.parts)
    .map(part => textOr(part.text, ''))
    .join('')
}

function readDimensions(request: JsonObject): number | undefined {
  const config = member(request, 'embedContentConfig')
  const value =
    member(request, 'outputDimensionality') ??
    (isObject(config) ? member(config, 'outputDimensionality') : undefined)
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 4096) return value
  return refuse('* EmbedContentRequest.output_dimensionality: must be between 1 and 4096')
}
