import type { DialectName } from '@yumen/protocol'
import type { Operation } from '@yumen/providers'
import { GatewayError } from './gateway-error.ts'

/** What a client asks for, as far as the address tells. */
export interface Target {
  readonly dialect: DialectName
  readonly operation: Operation
  /** The word by which a key's `endpoints` allow it. */
  readonly endpoint: string
  /** Gemini names the model in the path. */
  readonly pathModel: string | undefined
  /** Gemini's path says whether the answer streams; elsewhere the body does. */
  readonly pathStreams: boolean
  /** A Gemini stream without `alt=sse` is one JSON array. */
  readonly framing: 'sse' | 'json-array'
  readonly query: URLSearchParams
}

export type ListShape = 'openai' | 'anthropic' | 'gemini'

export type Route =
  | { readonly kind: 'relay'; readonly target: Target }
  | {
      readonly kind: 'models'
      readonly dialect: DialectName
      readonly shape: ListShape
      readonly model: string | undefined
    }

const noQuery = new URLSearchParams()

const posts: Readonly<Record<string, Target>> = {
  '/v1/chat/completions': post('openai-chat', 'chat', 'chat'),
  '/v1/completions': post('openai-chat', 'completions', 'completions'),
  '/v1/embeddings': post('openai-chat', 'embeddings', 'embeddings'),
  '/v1/moderations': post('openai-chat', 'moderations', 'moderations'),
  '/v1/responses': post('openai-responses', 'chat', 'responses'),
  '/v1/messages': post('anthropic', 'chat', 'messages'),
  '/v1/messages/count_tokens': post('anthropic', 'count-tokens', 'messages'),
}

const geminiActions: Readonly<Record<string, { operation: Operation; endpoint: string; streams: boolean }>> =
  {
    generateContent: { operation: 'chat', endpoint: 'gemini', streams: false },
    streamGenerateContent: { operation: 'chat', endpoint: 'gemini', streams: true },
    countTokens: { operation: 'count-tokens', endpoint: 'gemini', streams: false },
    embedContent: { operation: 'embeddings', endpoint: 'gemini', streams: false },
    batchEmbedContents: { operation: 'batch-embeddings', endpoint: 'gemini', streams: false },
  }

/** Addresses that people of this field know and that this version does not serve: said by name, not as a typing error. */
const planned =
  /^\/v1\/(images|audio|rerank|files|batches|realtime|video|videos|responses\/|edits|fine|uploads|vector|assistants|threads|messages\/batches)/

/** Whether `path` belongs to the relay: everything under the clients' own prefixes. */
export function isRelayPath(path: string): boolean {
  return path.startsWith('/v1/') || path.startsWith('/v1beta/')
}

/** Method and address → what is asked. @throws GatewayError 404 or 405, in the dialect of `dialectOf`. */
export function route(method: string, url: string, header: (name: string) => string | undefined): Route {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  if (method === 'POST') {
    const target = posts[path]
    if (target !== undefined) {
      return {
        kind: 'relay',
        target: mark < 0 ? target : { ...target, query: new URLSearchParams(url.slice(mark + 1)) },
      }
    }
    const gemini = routeGemini(path, mark < 0 ? noQuery : new URLSearchParams(url.slice(mark + 1)))
    if (gemini !== undefined) return gemini
  }
  if (method === 'GET' || method === 'HEAD') {
    const models = routeModels(path, mark < 0 ? noQuery : new URLSearchParams(url.slice(mark + 1)), header)
    if (models !== undefined) return models
  }
  throw unknownAddress(method, path)
}

/** The protocol in which an address that cannot be routed is answered. */
export function dialectOf(url: string): DialectName {
  if (url.startsWith('/v1/messages')) return 'anthropic'
  if (url.startsWith('/v1/responses')) return 'openai-responses'
  if (url.startsWith('/v1beta/openai')) return 'openai-chat'
  return url.startsWith('/v1beta') || /^\/v1\/models\/[^/?]*:/.test(url) ? 'gemini' : 'openai-chat'
}

function post(dialect: DialectName, operation: Operation, endpoint: string): Target {
  return {
    dialect,
    operation,
    endpoint,
    pathModel: undefined,
    pathStreams: false,
    framing: 'sse',
    query: noQuery,
  }
}

/** `/v1beta/models/{model}:{action}`; the model may hold slashes, and `models/` or `tunedModels/` stays a prefix of the path. */
function routeGemini(path: string, query: URLSearchParams): Route | undefined {
  const match = /^\/v1(?:beta)?\/models\/([^:]+):(\w+)$/.exec(path)
  const action =
    match?.[2] !== undefined && Object.hasOwn(geminiActions, match[2]) ? geminiActions[match[2]] : undefined
  if (match?.[1] === undefined || action === undefined) return undefined
  const target: Target = {
    dialect: 'gemini',
    operation: action.operation,
    endpoint: action.endpoint,
    pathModel: decodePath(match[1]),
    pathStreams: action.streams,
    framing: query.get('alt') === 'sse' ? 'sse' : 'json-array',
    query,
  }
  return { kind: 'relay', target }
}

function routeModels(
  path: string,
  query: URLSearchParams,
  header: (name: string) => string | undefined,
): Route | undefined {
  const match = /^\/(v1|v1beta|v1beta\/openai)\/models(?:\/(.+))?$/.exec(path)
  if (match === null) return undefined
  const shape = listShape(match[1], query, header)
  const dialect = shape === 'openai' ? 'openai-chat' : shape
  return { kind: 'models', dialect, shape, model: match[2] === undefined ? undefined : decodePath(match[2]) }
}

function listShape(
  prefix: string | undefined,
  query: URLSearchParams,
  header: (name: string) => string | undefined,
): ListShape {
  if (prefix === 'v1beta') return 'gemini'
  if (prefix === 'v1beta/openai') return 'openai'
  if (header('anthropic-version') !== undefined) return 'anthropic'
  return header('x-goog-api-key') !== undefined || query.has('key') ? 'gemini' : 'openai'
}

function decodePath(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (!(error instanceof URIError)) throw error
    throw new GatewayError('invalid_request', `the address has an invalid escape: ${text}`)
  }
}

function unknownAddress(method: string, path: string): GatewayError {
  if (/^\/(v1|v1beta|v1beta\/openai)\/models(\/[^:]+)?$/.test(path)) {
    return new GatewayError('invalid_request', `${path} is asked by GET, not ${method}`, {
      status: 405,
      allow: 'GET, HEAD, OPTIONS',
    })
  }
  if (posts[path] !== undefined) {
    return new GatewayError('invalid_request', `${path} is asked by POST, not ${method}`, {
      status: 405,
      allow: 'POST, OPTIONS',
    })
  }
  if (planned.test(path)) {
    return new GatewayError('invalid_request', `${method} ${path} is not part of this version of Yumen yet`, {
      status: 404,
    })
  }
  return new GatewayError('invalid_request', `Invalid URL (${method} ${path})`, { status: 404 })
}
