import type { Ask, Provider } from './provider.ts'

/** The full URL of one attempt, or `undefined` where the provider does not offer what is asked. */
export function endpointUrl(provider: Provider, ask: Ask): string | undefined {
  const listed = provider.speaks[ask.dialect]?.[ask.operation]
  if (listed === undefined) return undefined
  const path = provider.path === undefined ? listed : provider.path(ask)
  if (path === undefined) return undefined
  let url = `${ask.baseUrl}${path}`
  for (const [name, value] of Object.entries(provider.variables?.(ask) ?? {}))
    url = url.replaceAll(`{${name}}`, () => value)
  return url.replaceAll('{model}', encodeURIComponent(ask.model))
}

/** Whether the provider offers what is asked. Cheaper than the URL: most providers are plain tables. */
export function offers(provider: Provider, ask: Ask): boolean {
  if (provider.speaks[ask.dialect]?.[ask.operation] === undefined) return false
  return provider.path === undefined || provider.path(ask) !== undefined
}
