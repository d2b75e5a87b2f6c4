import { type Protocol, Refusal } from './refusal.ts'
import type { Target } from './route.ts'
import { list, type Wire, wire } from './wire.ts'

/** Shown in lists. Any other name works just as well in requests. */
const listedModels = [
  'sim',
  'sim-cached',
  'sim-choices',
  'sim-echo',
  'sim-embedding',
  'sim-empty',
  'sim-filter',
  'sim-images',
  'sim-length',
  'sim-logprobs',
  'sim-long',
  'sim-nousage',
  'sim-paralleltools',
  'sim-reasoning',
  'sim-refusal',
  'sim-slow',
  'sim-tools',
  'sim-unicode',
]

const createdAt = 1_760_000_000

/** The list of models, or the one that the path names; a name with `missing` in it is unknown. */
export function modelsText({ protocol, model }: Target): string {
  if (model !== undefined) {
    if (model.includes('missing')) throw new Refusal({ kind: 'modelNotFound', param: 'model' })
    return modelWire(model, protocol).wire
  }
  const items = list(listedModels.map(id => modelWire(id, protocol)))
  switch (protocol) {
    case 'openai-chat':
    case 'openai-responses':
      return wire`{"object":"list","data":${items}}`.wire
    case 'anthropic':
      return wire`{"data":${items},"has_more":false,"first_id":${listedModels[0]},
        "last_id":${listedModels.at(-1)}}`.wire
    case 'gemini':
      return wire`{"models":${items}}`.wire
  }
}

function modelWire(id: string, protocol: Protocol): Wire {
  switch (protocol) {
    case 'openai-chat':
    case 'openai-responses':
      return wire`{"id":${id},"object":"model","created":${createdAt},"owned_by":"simulator"}`
    case 'anthropic':
      return wire`{"type":"model","id":${id},"display_name":${id},"created_at":"2025-10-09T08:53:20Z",
        "max_input_tokens":200000,"max_tokens":64000}`
    case 'gemini':
      return wire`{"name":${`models/${id}`},"version":"001","displayName":${id},"inputTokenLimit":1048576,
        "outputTokenLimit":65536,
        "supportedGenerationMethods":["generateContent","countTokens","embedContent"]}`
  }
}
