import type { DialectName } from '@yumen/protocol'

/** What is asked of an upstream. `chat` is a dialect's own generation call, whatever its path is named. */
export const operations = [
  'chat',
  'completions',
  'embeddings',
  'batch-embeddings',
  'moderations',
  'count-tokens',
] as const
export type Operation = (typeof operations)[number]

/** One attempt, as far as a provider may look at it. */
export interface Ask {
  readonly dialect: DialectName
  readonly operation: Operation
  /** The upstream's model name, after mapping. */
  readonly model: string
  readonly isStreaming: boolean
  /** Without a slash at the end, cleaned by `cleanBaseUrl`. */
  readonly baseUrl: string
  /** The channel's own settings (New API's JSON keys), as stored. */
  readonly settings: Readonly<Record<string, unknown>>
  /** The client's own query, for the few parameters that a provider passes on (`beta` of Anthropic). */
  readonly query: URLSearchParams
}

/** Path after the base URL for each operation of a dialect; `{model}` stands for the upstream model, URL-encoded. */
export type Endpoints = Partial<Record<Operation, string>>

/**
 * What happens to one top-level member of a passing request body. A member that no rule names stays byte for byte.
 * - `keep`: as it is · `remove`: with its comma · `set`: another value
 * - `spread`: its members become top-level ones, except those that the body has already and the governing ones
 *   (model, stream, limits); one with a prompt in it is refused: nobody gets around the scan by this
 */
export type MemberEdit =
  | { readonly kind: 'keep' | 'remove' | 'spread' }
  | { readonly kind: 'set'; readonly value: unknown }

/** A kind of upstream, as a value. */
export interface Provider {
  /** Stable id of the declarative file: lower case, words set off by `-`. */
  readonly id: string
  /** New API's channel type number; absent where New API has no such type. */
  readonly number?: number
  readonly name: string
  /** Used when the channel names none; a provider without one requires the channel's. */
  readonly baseUrl?: string
  /** Native dialects in the order of preference. */
  readonly speaks: Partial<Record<DialectName, Endpoints>>
  /** Path and query of an attempt that `speaks` lists, where the table cannot say it. `undefined`: not offered. */
  readonly path?: (ask: Ask) => string | undefined
  /** What further placeholders of the address stand for, by name, as they go into it: `{model}` is always there. */
  readonly variables?: (ask: Ask) => Readonly<Record<string, string>>
  /** Its base URL is the whole address of a call, and may have a query. */
  readonly takesWholeAddress?: true
  /** Mends addresses as people paste them (a suffix that the endpoints repeat). Gets it without slashes at the end. */
  readonly cleanBaseUrl?: (url: string) => string
  /** The credential's headers, flat: name, value, name, value. */
  readonly auth: (key: string, ask: Ask) => readonly string[]
  /** Further headers of every request to it, flat. `client` reads a header of the client's request. */
  readonly headers?: (ask: Ask, client: (name: string) => string | undefined) => readonly string[]
  /** Edits of top-level members of a body, by member name. They run on passthrough: bytes around them stay. */
  readonly edits?: (ask: Ask) => Readonly<Record<string, (value: unknown) => MemberEdit>>
  readonly traits: Traits
  /** Names for a new channel of this kind; the living list comes from `modelsPath`. */
  readonly models: readonly string[]
  /** GET path of its model list. */
  readonly modelsPath: string | undefined
  /** Why this type cannot be used yet; a channel of it is refused with these words. */
  readonly unavailable?: string
}

/** How a provider deviates from its dialects. Defaults are the dialect's own service. */
export interface Traits {
  /** Whether `stream_options.include_usage` may be sent with chat and completions streams. */
  readonly asksStreamUsage: boolean
}

/** Checks what types cannot say, at load. */
export function defineProvider(provider: Provider): Provider {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(provider.id))
    throw new Error(`provider id '${provider.id}' is not lower-case words`)
  if (provider.baseUrl?.endsWith('/'))
    throw new Error(`provider ${provider.id}: the base URL ends with a slash`)
  return provider
}

export const bearer = () => (key: string) => ['authorization', `Bearer ${key}`]
export const keyHeader = (name: string) => (key: string) => [name, key]
