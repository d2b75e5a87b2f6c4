import { cutVersion } from './base-url.ts'
import { type Ask, defineProvider, type Endpoints, keyHeader } from './provider.ts'
import { headerOf, isOn } from './settings.ts'

const endpoints: Endpoints = { chat: '/v1/messages', 'count-tokens': '/v1/messages/count_tokens' }

/** Anthropic. Source: docs.anthropic.com, "Messages", "Count message tokens", "Versions", "Beta headers". */
export const anthropic = defineProvider({
  id: 'anthropic',
  number: 14,
  name: 'Anthropic',
  baseUrl: 'https://api.anthropic.com',
  speaks: { anthropic: endpoints },
  path: ask => {
    const path = endpoints[ask.operation]
    return path !== undefined && isBeta(ask) ? `${path}?beta=true` : path
  },
  cleanBaseUrl: url => cutVersion(url.replace(/\/count_tokens$/, '')),
  auth: keyHeader('x-api-key'),
  headers: (_ask, client) => versionHeaders(client),
  traits: { asksStreamUsage: false },
  models: [
    'claude-opus-4-8',
    'claude-opus-4-7',
    'claude-opus-4-6',
    'claude-sonnet-4-6',
    'claude-opus-4-5-20251101',
    'claude-sonnet-4-5-20250929',
    'claude-haiku-4-5-20251001',
    'claude-opus-4-1-20250805',
    'claude-opus-4-20250514',
    'claude-sonnet-4-20250514',
    'claude-3-7-sonnet-20250219',
    'claude-3-5-haiku-20241022',
    'claude-3-haiku-20240307',
  ],
  modelsPath: '/v1/models',
})

/** The client's version and betas: what an answer looks like depends on them, so they travel as they came. */
export function versionHeaders(client: (name: string) => string | undefined): readonly string[] {
  return [
    'anthropic-version',
    client('anthropic-version') || '2023-06-01',
    ...headerOf('anthropic-beta', client('anthropic-beta')),
  ]
}

const isBeta = (ask: Ask) => ask.query.get('beta') === 'true' || isOn(ask, 'claude_beta_query')
