import type { DialectName } from '@yumen/protocol'
import { type CallerKey, hashApiKey, type Keyring, KeyringUnavailableError, splitPinned } from '#identity'
import { GatewayError } from './gateway-error.ts'

export interface Caller {
  readonly key: CallerKey
  /** The channel that an administrator's key names behind its last dash. */
  readonly pinnedChannelId: number | undefined
}

export type HeaderReader = (name: string) => string | undefined

/** What is asked, as far as the place of the key goes: the list of models is one for all protocols. */
type Asking = DialectName | 'models'

/** Where each dialect's clients put the key, in the order of preference; every place is read on every route. */
const places: Readonly<Record<Asking, readonly string[]>> = {
  'openai-chat': ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key', '?key'],
  'openai-responses': ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key', '?key'],
  anthropic: ['x-api-key', 'authorization', 'api-key', 'x-goog-api-key', '?key'],
  models: ['x-api-key', 'x-goog-api-key', '?key', 'authorization', 'api-key'],
  gemini: ['x-goog-api-key', '?key', 'authorization', 'x-api-key', 'api-key'],
}

/** The key that the client shows → whose it is. A warm key answers at once. @throws GatewayError `auth_client`, `invalid_request` */
export function authenticate(
  keyring: Keyring,
  asking: Asking,
  header: HeaderReader,
  query: URLSearchParams,
): Caller | Promise<Caller> {
  const shown = findKey(asking, header, query)
  if (shown === undefined) {
    throw new GatewayError(
      'auth_client',
      'no API key was sent: use the header "authorization: Bearer sk-…", x-api-key or x-goog-api-key',
    )
  }
  const found = lookUp(keyring, shown)
  if (found instanceof Promise)
    return found.then(key => (key === undefined ? findPinned(keyring, shown) : asCaller(key)))
  return found === undefined ? findPinned(keyring, shown) : asCaller(found)
}

function findKey(asking: Asking, header: HeaderReader, query: URLSearchParams): string | undefined {
  if (query.getAll('key').length > 1)
    throw new GatewayError('invalid_request', 'the query parameter key is there more than once')
  for (const place of places[asking]) {
    const value = place === '?key' ? query.get('key') : header(place)
    if (value === undefined || value === null || value === '') continue
    // Another scheme (a proxy's Basic) is not for us: the key may stand elsewhere.
    const { scheme, rest = value } = /^(?<scheme>\w+)\s+(?<rest>\S.*)$/.exec(value)?.groups ?? {}
    if (scheme !== undefined && scheme.toLowerCase() !== 'bearer') continue
    if (rest.trim() !== '') return rest.trim()
  }
  return undefined
}

/**
 * What the whole is no key for: one without its `sk-`, as New API takes it, or `<key>-<channel id>`, tried last since imported keys
 * may hold dashes.
 */
async function findPinned(keyring: Keyring, shown: string): Promise<Caller> {
  const whole = shown.startsWith('sk-') ? undefined : await lookUp(keyring, `sk-${shown}`)
  if (whole !== undefined) return asCaller(whole)
  const pinned = splitPinned(shown)
  const key = pinned && (await lookUp(keyring, pinned.key))
  if (pinned === undefined || key === undefined) throw unknownKey()
  if (key.role === 'user') {
    throw new GatewayError(
      'permission_client',
      'only keys of administrators may name a channel behind the key',
    )
  }
  return { key, pinnedChannelId: pinned.channelId }
}

function lookUp(keyring: Keyring, shown: string): CallerKey | undefined | Promise<CallerKey | undefined> {
  try {
    const found = keyring.find(hashApiKey(shown))
    return found instanceof Promise ? found.catch(refuseLookUp) : found
  } catch (error) {
    return refuseLookUp(error)
  }
}

/** A key that is not warm while the store is away or asked for too many: nobody can say whose it is. */
function refuseLookUp(error: unknown): never {
  if (!(error instanceof KeyringUnavailableError)) throw error
  throw new GatewayError('shed', 'API keys cannot be looked up just now; try again', { retryAfterMs: 1_000 })
}

function asCaller(key: CallerKey): Caller {
  return { key, pinnedChannelId: undefined }
}

function unknownKey(): GatewayError {
  return new GatewayError(
    'auth_client',
    'the API key is not known here: check that it is complete, or ask for a new one',
  )
}
