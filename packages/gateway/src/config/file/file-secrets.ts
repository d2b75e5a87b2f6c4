import { fitsHeaderValue, headerValueWords } from '#overrides'
import type { DesiredChannel } from '../desired-state.ts'
import { proxyRule } from './channel-settings.ts'
import type { FileContent } from './schema.ts'
import type { SecretReader } from './secret-reader.ts'

/** What the file needs of identity and catalogue. */
export interface SecretMakers {
  readonly sealChannelKey: (key: string) => { readonly sealed: string; readonly fingerprint: string }
  readonly hashPassword: (password: string) => Promise<string>
  readonly makeApiKey: () => string
  readonly hashKey: (key: string) => string
  readonly hintOf: (key: string) => string
}

export type ChannelKeys = NonNullable<DesiredChannel['keys']>

export interface UserKey {
  readonly key: string
  readonly isGenerated: boolean
}

/** In the order of the file. Two API keys may not be the same secret. */
export async function readApiKeys(
  content: FileContent,
  secrets: SecretReader,
  { makeApiKey, hashKey }: SecretMakers,
) {
  const keys: UserKey[] = []
  const seen = new Set<string>()
  for (const [index, { key }] of (content.apiKeys ?? []).entries()) {
    const path = ['apiKeys', index, 'key']
    const text = key === undefined ? makeApiKey() : ((await secrets.read(key, path, apiKeyRule)) ?? '')
    const hash = hashKey(text)
    if (text !== '' && seen.has(hash)) secrets.refuse(path, 'the key of another API key', 'a key of its own')
    seen.add(hash)
    keys.push({ key: text, isGenerated: key === undefined })
  }
  return keys
}

export async function readChannelKeys(
  content: FileContent,
  secrets: SecretReader,
  { sealChannelKey }: SecretMakers,
) {
  const all: (ChannelKeys | undefined)[] = []
  for (const [index, { keys }] of (content.channels ?? []).entries()) {
    const sealed: ChannelKeys[number][] = []
    for (const [position, key] of (keys ?? []).entries()) {
      const text = await secrets.read(key, ['channels', index, 'keys', position], channelKeyRule)
      if (text !== undefined) sealed.push(sealChannelKey(text))
    }
    all.push(keys && sealed)
  }
  return all
}

/** What else of a channel may be a credential and lie elsewhere, as texts. */
export interface ChannelTexts {
  readonly proxy: string | undefined
  readonly headerOverride: Readonly<Record<string, string>> | undefined
}

/** In the order of the file. */
export async function readChannelTexts(content: FileContent, secrets: SecretReader) {
  const all: ChannelTexts[] = []
  for (const [index, { headerOverride, settings }] of (content.channels ?? []).entries()) {
    const path = ['channels', index]
    const proxy = settings?.proxy
    const headers: Record<string, string> = {}
    for (const [name, source] of Object.entries(headerOverride ?? {})) {
      headers[name] = (await secrets.read(source, [...path, 'headerOverride', name], headerRule)) ?? ''
    }
    all.push({
      proxy: proxy && (await secrets.read(proxy, [...path, 'settings', 'proxy'], proxyRule)),
      headerOverride: headerOverride && headers,
    })
  }
  return all
}

export async function readPasswords(
  content: FileContent,
  secrets: SecretReader,
): Promise<ReadonlyMap<string, string>> {
  const passwords = new Map<string, string>()
  for (const [index, { username, password }] of (content.users ?? []).entries()) {
    const text = password && (await secrets.read(password, ['users', index, 'password'], passwordRule))
    if (text !== undefined) passwords.set(username, text)
  }
  return passwords
}

/**
 * Printable ASCII: it must fit into a header. New keys are `sk-` and 48 letters and digits; imported ones may
 * be shorter.
 */
const apiKeyRule = {
  fits: (key: string) => /^[\x21-\x7e]{16,512}$/.test(key),
  allowed: 'sk- and at least 20 letters and digits, or another key of 16 to 512 visible characters',
}
/** It is sent in a header, unless it is the JSON document of a service account. */
const channelKeyRule = {
  fits: (key: string) => key.length <= 65_536 && (/^[\x21-\x7e]+$/.test(key) || isJsonObject(key)),
  allowed: 'a key of at most 65536 visible ASCII characters, without spaces or line breaks, or a JSON object',
}

function isJsonObject(text: string): boolean {
  if (!text.trimStart().startsWith('{')) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const headerRule = { fits: fitsHeaderValue, allowed: headerValueWords }
const passwordRule = {
  fits: (password: string) => password.length >= 8 && password.length <= 128,
  allowed: 'a password of 8 to 128 characters',
}
