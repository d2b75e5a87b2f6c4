import type { IncomingHttpHeaders } from 'node:http'
import { type Protocol, Refusal } from './refusal.ts'

export type Operation =
  | 'chat'
  | 'completions'
  | 'embeddings'
  | 'moderations'
  | 'responses'
  | 'messages'
  | 'count-message-tokens'
  | 'generate'
  | 'stream-generate'
  | 'count-tokens'
  | 'embed'
  | 'batch-embed'
  | 'models'

export interface Target {
  readonly operation: Operation
  readonly protocol: Protocol
  /** From the path: Google's model, Azure's deployment, or the one model that is asked about. */
  readonly model: string | undefined
  readonly query: URLSearchParams
}

interface Route {
  readonly suffix: RegExp
  readonly method: 'GET' | 'POST'
  readonly operation: Operation
  readonly protocol: Protocol
}

/** Matched at the end of the path, so that any provider's prefix works. The first match counts. */
const routes: readonly Route[] = [
  post(/\/chat\/completions$/, 'chat', 'openai-chat'),
  post(/\/completions$/, 'completions', 'openai-chat'),
  post(/\/embeddings$/, 'embeddings', 'openai-chat'),
  post(/\/moderations$/, 'moderations', 'openai-chat'),
  post(/\/responses$/, 'responses', 'openai-responses'),
  post(/\/messages\/count_tokens$/, 'count-message-tokens', 'anthropic'),
  post(/\/messages$/, 'messages', 'anthropic'),
  post(/\/models\/(.+):generateContent$/, 'generate', 'gemini'),
  post(/\/models\/(.+):streamGenerateContent$/, 'stream-generate', 'gemini'),
  post(/\/models\/(.+):countTokens$/, 'count-tokens', 'gemini'),
  post(/\/models\/(.+):embedContent$/, 'embed', 'gemini'),
  post(/\/models\/(.+):batchEmbedContents$/, 'batch-embed', 'gemini'),
]

const modelList = /\/models(?:\/([^:]+))?$/
const deployment = /\/openai\/deployments\/([^/]+)\//

/** Finds what a request asks for. Refuses unknown paths, wrong methods and doubled versions (`/v1/v1/…`). */
export function findTarget(method: string, url: URL, protocol: Protocol): Target {
  const path = url.pathname
  const listed = modelList.exec(path)
  const isDoubled = /\/(v1|v1beta)\/(?:.*\/)?\1\//.test(path) || path.includes('//')
  const route = isDoubled ? undefined : routes.find(candidate => candidate.suffix.test(path))
  if (route === undefined) {
    if (listed === null || isDoubled) throw notFound(method, path, protocol)
    if (method !== 'GET')
      throw new Refusal({ kind: 'methodNotAllowed', message: `Not allowed to ${method} on ${path}.` })
    return { operation: 'models', protocol, model: decoded(listed[1]), query: url.searchParams }
  }
  if (method !== route.method) {
    throw new Refusal({ kind: 'methodNotAllowed', message: `Not allowed to ${method} on ${path}.` })
  }
  const azure = deployment.exec(path)
  if (azure !== null && !url.searchParams.has('api-version')) {
    throw new Refusal({ kind: 'notFound', message: 'Resource not found', code: '404' })
  }
  const model = decoded(azure?.[1] ?? route.suffix.exec(path)?.[1])
  return { operation: route.operation, protocol: route.protocol, model, query: url.searchParams }
}

/** Whose errors a request expects, before anything else is known of it. */
export function guessProtocol(path: string, headers: IncomingHttpHeaders): Protocol {
  const route = routes.find(candidate => candidate.suffix.test(path))
  if (route !== undefined) return route.protocol
  if (headers['anthropic-version'] !== undefined || path.includes('/anthropic/')) return 'anthropic'
  const isGoogle = headers['x-goog-api-key'] !== undefined || path.includes('/v1beta/')
  return isGoogle && !path.includes('/openai/') ? 'gemini' : 'openai-chat'
}

function notFound(method: string, path: string, protocol: Protocol): Refusal {
  const message = protocol === 'openai-chat' ? `Invalid URL (${method} ${path})` : 'Not found'
  return new Refusal({ kind: 'notFound', message })
}

function decoded(segment: string | undefined): string | undefined {
  if (segment === undefined) return undefined
  try {
    return decodeURIComponent(segment)
  } catch (error) {
    if (error instanceof URIError) return segment
    throw error
  }
}

function post(suffix: RegExp, operation: Operation, protocol: Protocol): Route {
  return { suffix, method: 'POST', operation, protocol }
}
