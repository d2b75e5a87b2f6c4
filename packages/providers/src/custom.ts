import type { DialectName } from '@yumen/protocol'
import { bearer, defineProvider, type Endpoints, type Operation } from './provider.ts'

/** Nothing follows the base URL: it is the whole request URL. */
const chat: Endpoints = { chat: '', completions: '', embeddings: '', moderations: '' }

/** What an address serves, as its last words tell; New API sends every operation there, whatever it says. */
const served: readonly (readonly [ending: string, dialect: DialectName, operation: Operation])[] = [
  ['/chat/completions', 'openai-chat', 'chat'],
  ['/completions', 'openai-chat', 'completions'],
  ['/embeddings', 'openai-chat', 'embeddings'],
  ['/moderations', 'openai-chat', 'moderations'],
  ['/responses', 'openai-responses', 'chat'],
]

/**
 * New API's Custom: the base URL is the complete request URL, with `{model}` for the upstream model. An
 * address whose end names an operation serves that one; any other one serves all of OpenAI Chat's.
 */
export const custom = defineProvider({
  id: 'custom',
  number: 8,
  name: 'Custom',
  speaks: { 'openai-chat': chat, 'openai-responses': { chat: '' } },
  path: ask => {
    const [path = ''] = ask.baseUrl.split('?')
    const known = served.find(([ending]) => path.endsWith(ending))
    if (known === undefined) return ask.dialect === 'openai-chat' ? '' : undefined
    const [, dialect, operation] = known
    return dialect === ask.dialect && operation === ask.operation ? '' : undefined
  },
  auth: bearer(),
  traits: { asksStreamUsage: true },
  models: [],
  modelsPath: undefined,
})
