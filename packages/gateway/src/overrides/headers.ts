import type { Issues } from './issues.ts'
import { compilePattern, isFound } from './pattern.ts'

/** Headers of one attempt by their lower-case names. Made anew for each: nothing survives into the next one's. */
export type HeaderDraft = Map<string, string>

/** The headers of the client's request, lower-case names; several of one name are one text. */
export type ClientHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** A header's text with what its placeholders stand for. */
export type HeaderValue =
  | { readonly kind: 'text'; readonly pieces: readonly string[] }
  | { readonly kind: 'client'; readonly name: string }

export interface HeaderOverride {
  /** Which of the client's headers go along. */
  readonly rules: readonly ((name: string) => boolean)[]
  readonly entries: readonly (readonly [name: string, value: HeaderValue])[]
}

const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]
/** What the relay itself says about the bytes that it sends and can read. */
const framing = ['content-length', 'content-encoding', 'accept-encoding']

/** Never written by anyone but the relay: a wrong one breaks the message, or the answer's reading. */
const neverSet = new Set([...hopByHop, ...framing])

/** Never taken over from a client, by whatever rule: its credentials for us, who it is, how its own connection works. */
const neverCopied = new Set([
  ...neverSet,
  'host',
  'cookie',
  'cookie2',
  'set-cookie',
  'authorization',
  'proxy-authorization',
  'proxy-authenticate',
  'x-api-key',
  'x-goog-api-key',
  'api-key',
  'mj-api-secret',
  'forwarded',
  'via',
  'x-real-ip',
  'cf-connecting-ip',
  // On whose account it would run is the channel's to say.
  'openai-organization',
  'openai-project',
  'x-goog-user-project',
  'chatgpt-account-id',
])
/** Among them what proxies before us say of the client: who it is, where it comes from, what it asked for. */
const neverCopiedFamilies =
  /^(sec-websocket-|x-forwarded-|x-yumen-|x-amzn-oidc-|x-original-)|-(jwt-assertion|client-ip)$/

/** The one list for every way by which a client's header could get upstream. */
export const isNeverCopied = (name: string) => neverCopied.has(name) || neverCopiedFamilies.test(name)
export const isNeverSet = (name: string) => neverSet.has(name) || name.startsWith('sec-websocket-')

const token = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
export const isHeaderName = (name: string) => token.test(name)
/** What fits into a header line, as far as the client library sends it. */
export const isHeaderValue = (value: string) => /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

export const settableWords =
  'the name of a header that may be set: not one of the connection, of lengths or encodings'
export const copiedWords =
  'the name of a header that may be passed on: never credentials, cookies, organisations, forwarding headers, host or those of the connection'

/** A client's header, unless it is one that is never passed on, or meant for its own connection alone. */
export function clientHeader(headers: ClientHeaders, name: string): string | undefined {
  if (isNeverCopied(name) || isListed(headers['connection'], name)) return undefined
  const value = headers[name]
  return typeof value === 'object' ? value.join(', ') : value
}

/** Whether `Connection` names it. */
function isListed(connection: ClientHeaders[string], name: string): boolean {
  if (connection === undefined) return false
  const listed = String(connection).toLowerCase()
  return listed.includes(name) && listed.split(',').some(each => each.trim() === name)
}

/** All of the client's headers that may be looked at. */
export function clientHeaders(headers: ClientHeaders): Readonly<Record<string, string>> {
  const entries = Object.keys(headers).flatMap(name => {
    const value = clientHeader(headers, name)
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(entries)
}

/** A channel's `headerOverride`. What is wrong with it is added to `issues`. */
export function parseHeaderOverride(
  stored: Readonly<Record<string, unknown>>,
  issues: Issues,
): HeaderOverride | undefined {
  const rules: ((name: string) => boolean)[] = []
  const entries: (readonly [string, HeaderValue])[] = []
  for (const [key, value] of Object.entries(stored)) {
    const rule = parseRule(key, issues)
    if (rule === 'none') {
      const name = key.trim().toLowerCase()
      if (!isHeaderName(name) || isNeverSet(name)) issues.add([key], settableWords)
      const parsed = parseHeaderValue(value)
      if (parsed === undefined) issues.add([key], headerValueWords)
      else if (parsed !== 'blank') entries.push([name, parsed])
    } else if (rule !== undefined) rules.push(rule)
  }
  return rules.length + entries.length === 0 ? undefined : { rules, entries }
}

export const headerValueWords =
  'a text of one line of visible Latin-1 signs; {client_header:NAME} stands alone and names a header that may be passed on'

/** What is wrong with the text of a header value, for a value that lies elsewhere. */
export const fitsHeaderValue = (value: string) => parseHeaderValue(value) !== undefined

/** `*`, `re:…` and `regex:…` pass the client's headers on; case never matters, in names as in patterns. */
function parseRule(key: string, issues: Issues): ((name: string) => boolean) | 'none' | undefined {
  if (key.trim() === '*') return () => true
  const text = /^\s*(?:re|regex):(.*)$/is.exec(key)?.[1]?.trim()
  if (text === undefined) return 'none'
  const pattern = compilePattern(text, { ignoresCase: true })
  if (pattern === undefined || text === '') return issues.add([key], 'a regular expression of RE2 after re:')
  return name => isFound(pattern, name)
}

/** A header's text as an administrator writes it; `undefined` where it is none. */
export function parseHeaderValue(value: unknown): HeaderValue | 'blank' | undefined {
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  if (text === '') return 'blank'
  if (!isHeaderValue(text)) return undefined
  const client = /^\{client_header:([^{}]*)\}$/i.exec(text)?.[1]
  if (client === undefined)
    return /\{client_header:/i.test(text) ? undefined : { kind: 'text', pieces: text.split('{api_key}') }
  const name = client.trim().toLowerCase()
  return isHeaderName(name) && !isNeverCopied(name) ? { kind: 'client', name } : undefined
}

/** What placeholders stand for in one attempt. */
export interface HeaderSources {
  readonly apiKey: string
  readonly client: ClientHeaders
}

/** The text of a value in one attempt; `undefined` where the client has no such header. What a client sent is never looked into. */
export function renderHeaderValue(value: HeaderValue, { apiKey, client }: HeaderSources): string | undefined {
  return value.kind === 'text' ? value.pieces.join(apiKey) : clientHeader(client, value.name)
}

/**
 * The headers that the override sets in one attempt. What its rules let through never replaces a header of `own`, which the relay,
 * the provider or the channel's settings give; what it names itself does.
 */
export function resolveHeaders(
  { rules, entries }: HeaderOverride,
  { own, ...sources }: HeaderSources & { readonly own: () => ReadonlySet<string> },
): HeaderDraft {
  const { client } = sources
  const headers: HeaderDraft = new Map()
  if (rules.length > 0) {
    const taken = own()
    for (const name of Object.keys(client)) {
      const passes = !taken.has(name) && rules.some(rule => rule(name))
      const value = passes ? clientHeader(client, name) : undefined
      if (value !== undefined) headers.set(name, value)
    }
  }
  for (const [name, value] of entries) {
    const text = renderHeaderValue(value, sources)
    if (text !== undefined && text.trim() !== '') headers.set(name, text)
  }
  return headers
}

/** `base`, flat, with the headers of an override in place of those of the same names. */
export function mergeHeaders(base: readonly string[], override: ReadonlyMap<string, string>): string[] {
  const merged: string[] = []
  for (let at = 0; at < base.length; at += 2) {
    const name = base[at] ?? ''
    if (!override.has(name.toLowerCase())) merged.push(name, base[at + 1] ?? '')
  }
  for (const [name, value] of override) merged.push(name, value)
  return merged
}
