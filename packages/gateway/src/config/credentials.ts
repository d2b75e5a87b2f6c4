import type { SealedText } from './desired-state.ts'

/** What of a channel, beside its keys, may be a credential. */

const userinfo = /^([a-z][a-z0-9+.-]*:)?[\\/]*[^\\/?#]*@/i

/** Whether an address holds a user or a password. */
export const hasUserinfo = (address: string) => userinfo.test(address)

/** An address without its user and password, as messages show it. */
export const maskUserinfo = (address: string) => address.replace(userinfo, '$1//***@')

const credentialHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
])

/** Whether the value of a header is, by the header's name, a credential. */
export function isCredentialHeader(name: string): boolean {
  return credentialHeaders.has(name.toLowerCase()) || /token|secret|key/i.test(name)
}

/** Whether a value of the store is a secret that was sealed. */
export function isSealedText(value: unknown): value is SealedText {
  return (
    typeof value === 'object' &&
    value !== null &&
    'sealed' in value &&
    typeof value.sealed === 'string' &&
    'fingerprint' in value
  )
}
