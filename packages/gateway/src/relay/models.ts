import type { DialectName } from '@yumen/protocol'
import type { Operation } from '@yumen/providers'
import type { Channel, Snapshot } from '#catalog'
import { type CallerKey, mayUseModel } from '#identity'
import { refusalOf } from '#routing'
import { GatewayError } from './gateway-error.ts'
import type { ListShape } from './route.ts'

/** Models have no birthday that every upstream tells: New API's constant, so that lists compare equal after a move. */
const created = 1_626_777_600

/** The models that a key may use, in the shape of the client's dialect; one model when `id` is given. @throws GatewayError */
export function listModels(
  snapshot: Snapshot,
  key: CallerKey,
  shape: ListShape,
  id: string | undefined,
): unknown {
  const groups = key.group === 'auto' ? snapshot.options['routing.autoGroups'] : [key.group]
  const served = groups.flatMap(group => snapshot.modelsOf(group))
  const visible = [...new Set(served)].filter(model => mayUseModel(key, model)).sort()
  const render = (model: string) => renderModel(model, shape, servingOf(snapshot, groups, model))
  if (id === undefined) return renderList(visible, shape, render)
  const name = id.startsWith('models/') ? id.slice('models/'.length) : id
  if (!visible.includes(name)) {
    throw new GatewayError(
      'model_not_found',
      `the model ${JSON.stringify(id)} does not exist or is not yours to use`,
      { param: 'model' },
    )
  }
  return render(name)
}

/** Best first; in `auto` those of the first groups. */
function servingOf(snapshot: Snapshot, groups: readonly string[], model: string): readonly Channel[] {
  return groups.flatMap(group => snapshot.channelsOf(group, model)).filter(({ isEnabled }) => isEnabled)
}

function renderList(
  models: readonly string[],
  shape: ListShape,
  render: (model: string) => unknown,
): unknown {
  const rendered = models.map(render)
  if (shape === 'gemini') return { models: rendered }
  if (shape === 'openai') return { success: true, object: 'list', data: rendered }
  return { data: rendered, first_id: models.at(0) ?? null, last_id: models.at(-1) ?? null, has_more: false }
}

function renderModel(model: string, shape: ListShape, serving: readonly Channel[]): unknown {
  switch (shape) {
    case 'openai':
      return {
        id: model,
        object: 'model',
        created,
        owned_by: serving[0]?.provider.id ?? 'custom',
        supported_endpoint_types: offered(endpointTypes, model, serving),
      }
    case 'anthropic':
      return {
        id: model,
        type: 'model',
        display_name: model,
        created_at: new Date(created * 1_000).toISOString(),
      }
    case 'gemini':
      return {
        name: `models/${model}`,
        displayName: model,
        version: '001',
        supportedGenerationMethods: offered(generationMethods, model, serving),
      }
  }
}

interface Way {
  readonly dialect: DialectName
  readonly operation: Operation
  readonly isStreaming?: true
}

/** New API's words for what a model may be asked by. */
const endpointTypes: Readonly<Record<string, Way>> = {
  openai: { dialect: 'openai-chat', operation: 'chat' },
  'openai-response': { dialect: 'openai-responses', operation: 'chat' },
  anthropic: { dialect: 'anthropic', operation: 'chat' },
  gemini: { dialect: 'gemini', operation: 'chat' },
  embeddings: { dialect: 'openai-chat', operation: 'embeddings' },
}

/** Gemini's, by which its SDKs pick. Source: ai.google.dev "Models". */
const generationMethods: Readonly<Record<string, Way>> = {
  generateContent: { dialect: 'gemini', operation: 'chat' },
  streamGenerateContent: { dialect: 'gemini', operation: 'chat', isStreaming: true },
  countTokens: { dialect: 'gemini', operation: 'count-tokens' },
  embedContent: { dialect: 'gemini', operation: 'embeddings' },
  batchEmbedContents: { dialect: 'gemini', operation: 'batch-embeddings' },
}

/** The words for what at least one of the channels can be asked. */
function offered(
  ways: Readonly<Record<string, Way>>,
  model: string,
  serving: readonly Channel[],
): readonly string[] {
  return Object.entries(ways)
    .filter(([, { isStreaming = false, ...way }]) =>
      serving.some(channel => refusalOf(channel, model, { ...way, isStreaming }) === undefined),
    )
    .map(([word]) => word)
}
