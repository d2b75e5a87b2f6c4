import type { Snapshot } from '#catalog'
import { type CallerKey, mayUseModel } from '#identity'
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
  const visible = modelsOf(snapshot, key.group).filter(model => mayUseModel(key, model))
  if (id === undefined) return renderList(visible, shape)
  const name = id.startsWith('models/') ? id.slice('models/'.length) : id
  if (!visible.includes(name)) {
    throw new GatewayError(
      'model_not_found',
      `the model ${JSON.stringify(id)} does not exist or is not yours to use`,
      { param: 'model' },
    )
  }
  return renderModel(name, shape)
}

/** A key of the group `auto` sees what any of its groups serves. */
function modelsOf(snapshot: Snapshot, group: string): readonly string[] {
  if (group !== 'auto') return snapshot.modelsOf(group)
  const groups = snapshot.options['routing.autoGroups']
  return [...new Set(groups.flatMap(name => snapshot.modelsOf(name)))].sort()
}

function renderList(models: readonly string[], shape: ListShape): unknown {
  const rendered = models.map(model => renderModel(model, shape))
  if (shape === 'gemini') return { models: rendered }
  if (shape === 'openai') return { object: 'list', data: rendered }
  return { data: rendered, first_id: models.at(0) ?? null, last_id: models.at(-1) ?? null, has_more: false }
}

function renderModel(model: string, shape: ListShape): unknown {
  switch (shape) {
    case 'openai':
      return { id: model, object: 'model', created, owned_by: 'yumen' }
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
        supportedGenerationMethods: [
          'generateContent',
          'streamGenerateContent',
          'countTokens',
          'embedContent',
          'batchEmbedContents',
        ],
      }
  }
}
