import { type Ask, defineProvider, type Endpoints, keyHeader } from './provider.ts'
import { textSetting } from './settings.ts'

const fallbackVersion = 'v1beta'
const endpoints: Endpoints = {
  chat: '/v1beta/models/{model}:generateContent',
  embeddings: '/v1beta/models/{model}:embedContent',
  'batch-embeddings': '/v1beta/models/{model}:batchEmbedContents',
  'count-tokens': '/v1beta/models/{model}:countTokens',
}

/**
 * Google's Gemini API. Streams are always asked for as SSE: without `alt=sse` Google sends one JSON array.
 * Source: ai.google.dev, "Generating content", "Embeddings", "Counting tokens".
 */
export const gemini = defineProvider({
  id: 'gemini',
  number: 24,
  name: 'Google Gemini',
  baseUrl: 'https://generativelanguage.googleapis.com',
  speaks: { gemini: endpoints },
  path: ask => {
    const path = endpoints[ask.operation]?.replace(fallbackVersion, version(ask))
    if (ask.operation !== 'chat' || !ask.isStreaming) return path
    return path?.replace(':generateContent', ':streamGenerateContent?alt=sse')
  },
  cleanBaseUrl: url => url.replace(/([^/])\/v\d+[a-z0-9]*(\/(openai|models)(\/.*)?)?$/, '$1'),
  auth: keyHeader('x-goog-api-key'),
  traits: { asksStreamUsage: false },
  models: [
    'gemini-3.1-pro-preview',
    'gemini-3-pro-preview',
    'gemini-3-flash-preview',
    'gemini-3.1-flash-lite-preview',
    'gemini-2.5-pro',
    'gemini-2.5-flash',
    'gemini-2.5-flash-lite',
    'gemini-2.5-flash-image',
    'gemini-2.0-flash',
    'gemini-2.0-flash-lite',
    'gemini-flash-latest',
    'gemini-flash-lite-latest',
    'gemini-pro-latest',
    'gemma-3-27b-it',
    'gemini-embedding-001',
    'gemini-embedding-2-preview',
  ],
  modelsPath: '/v1beta/models',
})

/** The channel's `api_version` (`other` in New API), where it looks like one. */
function version(ask: Ask): string {
  const own = textSetting(ask, 'api_version', 'other')
  return own !== undefined && /^v\d+[a-z0-9]*$/.test(own) ? own : fallbackVersion
}
