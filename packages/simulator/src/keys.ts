import type { IncomingHttpHeaders } from 'node:http'
import { familyOf, type Protocol, Refusal, type Trouble } from './refusal.ts'

/** What a word in the API key does, so that one bad key of many is easy to set up. */
const keyWords = {
  dead: { about: 'always 401', trouble: { kind: 'authentication' } },
  limited: {
    about: 'always 429, `retry-after: 1`',
    trouble: { kind: 'rateLimited', headers: [['retry-after', '1']] },
  },
  broke: { about: 'always the error for an exhausted quota', trouble: { kind: 'quota' } },
} as const satisfies Record<string, { about: string; trouble: Trouble }>

/** Any key is good unless it is missing, empty, or holds one of the words. */
export function checkKey(headers: IncomingHttpHeaders, query: URLSearchParams, protocol: Protocol): void {
  const key = findKey(headers, query, protocol)
  if (key === undefined || key === '')
    throw new Refusal({ kind: 'authentication', message: missingKey[familyOf(protocol)] })
  for (const [word, { trouble }] of Object.entries(keyWords)) {
    if (key.includes(word)) throw new Refusal(trouble)
  }
}

const missingKey = {
  openai: "You didn't provide an API key. You need to provide your API key in an Authorization header.",
  anthropic: 'x-api-key header is required',
  gemini: 'Request is missing required authentication credential. Expected OAuth 2 access token or API key.',
} as const

const keyHeaders = { openai: 'api-key', anthropic: 'x-api-key', gemini: 'x-goog-api-key' } as const

function findKey(
  headers: IncomingHttpHeaders,
  query: URLSearchParams,
  protocol: Protocol,
): string | undefined {
  const family = familyOf(protocol)
  const own = headers[keyHeaders[family]]
  if (typeof own === 'string' && own !== '') return own
  const bearer = /^Bearer (.*)$/i.exec(headers.authorization ?? '')?.[1]?.trim()
  if (bearer !== undefined) return bearer
  return family === 'gemini' ? (query.get('key') ?? undefined) : undefined
}
