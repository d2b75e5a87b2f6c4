import type { Provider } from './provider.ts'

/**
 * The base URL of an `Ask`: the channel's own, mended, or the provider's. `undefined`: the channel has to
 * name one.
 */
export function resolveBaseUrl(provider: Provider, typed: string | undefined): string | undefined {
  const url = cutSlashes((typed ?? '').trim())
  if (url === '') return provider.baseUrl
  return provider.cleanBaseUrl === undefined ? url : cutSlashes(provider.cleanBaseUrl(url))
}

/** Without the path of one call, as people paste it from a documentation page's example. */
export function cutCall(url: string): string {
  return url.replace(
    /\/(chat\/completions|completions|embeddings|moderations|responses|messages|models)$/,
    '',
  )
}

/** Without a call's path and the `/v1` before it: what the endpoints repeat. */
export const cutVersion = (url: string) => cutCall(url).replace(/\/v1$/, '')

/** Cloudflare's AI gateway takes a provider's paths without their usual beginning. */
export const isCloudflareGateway = (url: string) => url.startsWith('https://gateway.ai.cloudflare.com')

const cutSlashes = (url: string) => url.replace(/\/+$/, '')
