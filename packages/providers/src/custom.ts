import type { DialectName } from '@yumen/protocol'
import { bearer, defineProvider, type Endpoints, type Operation } from './provider.ts'
import { headerOf, textSetting } from './settings.ts'

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

/** What `{path}` stands for: OpenAI's own path of the call, without its version. */
const paths: Readonly<Partial<Record<DialectName, Endpoints>>> = {
  'openai-chat': {
    chat: 'chat/completions',
    completions: 'completions',
    embeddings: 'embeddings',
    moderations: 'moderations',
  },
  'openai-responses': { chat: 'responses' },
}

/**
 * New API's Custom: the base URL is the complete request URL. In it `{model}` is the upstream model, as New API has it, and
 * `{path}` the path of the call (`chat/completions`, `responses`). An address with `{path}` serves all of these; one whose
 * end names an operation serves that one; any other one serves all of OpenAI Chat's.
 */
export const custom = defineProvider({
  id: 'custom',
  number: 8,
  name: 'Custom',
  speaks: { 'openai-chat': chat, 'openai-responses': { chat: '' } },
  path: ask => {
    const [path = ''] = ask.baseUrl.split('?')
    const known = served.find(([ending]) => path.endsWith(ending))
    if (path.includes('{path}')) return ''
    if (known === undefined) return ask.dialect === 'openai-chat' ? '' : undefined
    const [, dialect, operation] = known
    return dialect === ask.dialect && operation === ask.operation ? '' : undefined
  },
  takesWholeAddress: true,
  variables: ask => ({ path: paths[ask.dialect]?.[ask.operation] ?? '' }),
  auth: bearer(),
  headers: ask => headerOf('openai-organization', textSetting(ask, 'openai_organization')),
  traits: { asksStreamUsage: true },
  models: [],
  modelsPath: undefined,
})
