import type { Ask, Provider } from './provider.ts'

/** The full URL of one attempt, or `undefined` where the provider does not offer what is asked. */
export function endpointUrl(provider: Provider, ask: Ask): string | undefined {
  const listed = provider.speaks[ask.dialect]?.[ask.operation]
  if (listed === undefined) return undefined
  const path = provider.path === undefined ? listed : provider.path(ask)
  if (path === undefined) return undefined
  return `${ask.baseUrl}${path}`.replaceAll('{model}', encodeURIComponent(ask.model))
}
