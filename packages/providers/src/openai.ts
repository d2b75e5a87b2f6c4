import { cutVersion, isCloudflareGateway } from './base-url.ts'
import { bearer, defineProvider, type Endpoints } from './provider.ts'
import { headerOf, textSetting } from './settings.ts'

const chat: Endpoints = {
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
  embeddings: '/v1/embeddings',
  moderations: '/v1/moderations',
}
const responses: Endpoints = { chat: '/v1/responses', 'count-tokens': '/v1/responses/input_tokens' }

/**
 * OpenAI itself, and gateways that repeat its paths below an address of their own. Source:
 * platform.openai.com, API reference.
 */
export const openai = defineProvider({
  id: 'openai',
  number: 1,
  name: 'OpenAI',
  baseUrl: 'https://api.openai.com',
  speaks: { 'openai-responses': responses, 'openai-chat': chat },
  path: ask => {
    const path = (ask.dialect === 'openai-responses' ? responses : chat)[ask.operation]
    return isCloudflareGateway(ask.baseUrl) ? path?.slice('/v1'.length) : path
  },
  cleanBaseUrl: cutVersion,
  auth: bearer(),
  headers: ask => headerOf('openai-organization', textSetting(ask, 'openai_organization')),
  traits: { asksStreamUsage: true },
  models: [
    'gpt-5.4',
    'gpt-5.4-pro',
    'gpt-5.3-codex',
    'gpt-5.3-chat-latest',
    'gpt-5.2',
    'gpt-5.2-pro',
    'gpt-5.2-codex',
    'gpt-5.1',
    'gpt-5.1-codex',
    'gpt-5.1-codex-mini',
    'gpt-5.1-codex-max',
    'gpt-5',
    'gpt-5-mini',
    'gpt-5-nano',
    'gpt-5-codex',
    'gpt-5-pro',
    'gpt-4.1',
    'gpt-4.1-mini',
    'gpt-4.1-nano',
    'gpt-4o',
    'gpt-4o-mini',
    'gpt-4o-audio-preview',
    'gpt-audio',
    'gpt-4-turbo',
    'gpt-4',
    'gpt-3.5-turbo',
    'o4-mini',
    'o3',
    'o3-pro',
    'o3-mini',
    'o1',
    'o1-pro',
    'gpt-3.5-turbo-instruct',
    'davinci-002',
    'babbage-002',
    'text-embedding-3-large',
    'text-embedding-3-small',
    'text-embedding-ada-002',
    'omni-moderation-latest',
  ],
  modelsPath: '/v1/models',
})
