import { isMetadataHost } from '#outbound'

/** A cloud's metadata service, which tells every program of the machine its credentials: no channel may lead there. */
export function isMetadataUrl(found: string): boolean {
  return URL.canParse(found) && isMetadataHost(new URL(found).hostname)
}

/**
 * An absolute http or https address as a channel has it. Paths and queries of single calls are put behind it, so it has
 * no query of its own; it stands in logs, so it has no credentials.
 */
export function isBaseUrl(found: string): boolean {
  return /^[!-~]+$/.test(found) && absolute.test(found) && URL.canParse(found) && !isMetadataUrl(found)
}

/** A host, no `@` beside it, then a path or nothing. */
const absolute = /^https?:\/\/[^/@?#\\]+(\/[^?#\\]*)?$/i

/** The same with a query: what stands for the whole address of a call. */
export function isWholeAddress(found: string): boolean {
  const [base = '', query = ''] = found.split('?', 2)
  if (query !== '' && !/^https?:\/\/[^/]+\//i.test(base)) return false
  return isBaseUrl(base) && /^[!-~]*$/.test(query) && !found.includes('#')
}
