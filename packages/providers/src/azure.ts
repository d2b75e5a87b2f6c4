import { isCloudflareGateway } from './base-url.ts'
import { type Ask, defineProvider, type Endpoints, keyHeader } from './provider.ts'
import { isOn, textSetting } from './settings.ts'

const deployments = '/openai/deployments'
const fallbackVersion = '2025-04-01-preview'

/** What follows a deployment's address (classic) or `/openai/v1` (v1). */
const tasks: Endpoints = { chat: '/chat/completions', completions: '/completions', embeddings: '/embeddings' }

/**
 * Azure OpenAI. Classic deployment addresses with an api-version, or with the setting `azure_api: "v1"` the
 * versionless `/openai/v1`, where the deployment's name is the body's `model`. `azure_strip_dots` gives the
 * names of New API's channels from before 2025-05-10 (`gpt-35-turbo`). Source: learn.microsoft.com, "Azure
 * OpenAI REST API reference", "API lifecycle".
 */
export const azure = defineProvider({
  id: 'azure',
  number: 3,
  name: 'Azure OpenAI',
  speaks: {
    'openai-responses': { chat: '/openai/v1/responses' },
    'openai-chat': {
      chat: `${deployments}/{model}/chat/completions`,
      completions: `${deployments}/{model}/completions`,
      embeddings: `${deployments}/{model}/embeddings`,
    },
  },
  path: ask => (ask.dialect === 'openai-responses' ? responsesPath(ask) : taskPath(ask)),
  cleanBaseUrl: url => url.replace(/\/openai(\/.*)?$/, ''),
  auth: keyHeader('api-key'),
  edits: ask =>
    isOn(ask, 'azure_strip_dots') ? { model: () => ({ kind: 'set', value: deployment(ask) }) } : {},
  traits: { asksStreamUsage: true },
  models: [
    'gpt-5.2',
    'gpt-5.1',
    'gpt-5',
    'gpt-5-mini',
    'gpt-5-nano',
    'gpt-4.1',
    'gpt-4.1-mini',
    'gpt-4.1-nano',
    'gpt-4o',
    'gpt-4o-mini',
    'o4-mini',
    'o3',
    'o3-mini',
    'text-embedding-3-large',
    'text-embedding-3-small',
  ],
  modelsPath: undefined,
})

function taskPath(ask: Ask): string | undefined {
  const task = tasks[ask.operation]
  if (task === undefined) return undefined
  if (isVersionless(ask)) return `/openai/v1${task}`
  const start = isCloudflareGateway(ask.baseUrl) ? '' : deployments
  return withVersion(`${start}/${encodeURIComponent(deployment(ask))}${task}`, apiVersion(ask))
}

/**
 * Hosts of `cognitiveservices.azure.com` serve Responses only below `/openai`, with the channel's version.
 */
function responsesPath(ask: Ask): string {
  const own = textSetting(ask, 'azure_responses_version')
  if (ask.baseUrl.includes('cognitiveservices.azure.com') && !isVersionless(ask)) {
    return withVersion('/openai/responses', own ?? apiVersion(ask))
  }
  if (isVersionless(ask) && own === undefined) return '/openai/v1/responses'
  return withVersion('/openai/v1/responses', own ?? 'preview')
}

/** The client's query comes before the channel's setting (`other` in New API). */
function apiVersion(ask: Ask): string {
  return ask.query.get('api-version') || textSetting(ask, 'api_version', 'other') || fallbackVersion
}

const isVersionless = (ask: Ask) => textSetting(ask, 'azure_api') === 'v1'
const deployment = (ask: Ask) => (isOn(ask, 'azure_strip_dots') ? ask.model.replaceAll('.', '') : ask.model)
const withVersion = (path: string, version: string) => `${path}?api-version=${encodeURIComponent(version)}`
