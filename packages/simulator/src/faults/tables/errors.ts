import { blockedPrompt } from '../body.ts'
import type { Fault } from '../fault.ts'
import { dateIn, rateLimited, revokedKey } from '../trouble.ts'

/** Errors in the protocol's own form. */
export const errorsFaults = {
  'status-400': { on: 'any', about: 'Invalid request.', refuse: () => ({ kind: 'invalid' }) },
  'status-401': { on: 'any', about: 'Wrong key.', refuse: () => ({ kind: 'authentication' }) },
  'status-402': { on: 'any', about: 'Payment required.', refuse: () => ({ kind: 'billing' }) },
  'status-403': { on: 'any', about: 'No permission.', refuse: () => ({ kind: 'permission' }) },
  'status-404': { on: 'any', about: 'Not found.', refuse: () => ({ kind: 'notFound' }) },
  'status-408': { on: 'any', about: 'Request timeout.', refuse: () => ({ kind: 'timeout' }) },
  'status-409': { on: 'any', about: 'Conflict.', refuse: () => ({ kind: 'conflict' }) },
  'status-413': { on: 'any', about: 'Request too large.', refuse: () => ({ kind: 'tooLarge' }) },
  'status-422': { on: 'any', about: 'Unprocessable.', refuse: () => ({ kind: 'unprocessable' }) },
  'status-429': {
    on: 'any',
    about: 'Rate limit, without a word on when to come back.',
    refuse: () => ({ kind: 'rateLimited' }),
  },
  'status-500': { on: 'any', about: 'Server error.', refuse: () => ({ kind: 'server' }) },
  'status-502': { on: 'any', about: 'Bad gateway.', refuse: () => ({ kind: 'badGateway' }) },
  'status-503': { on: 'any', about: 'Unavailable.', refuse: () => ({ kind: 'unavailable' }) },
  'status-504': { on: 'any', about: 'Gateway timeout.', refuse: () => ({ kind: 'gatewayTimeout' }) },
  'status-520': {
    on: 'any',
    about: "Cloudflare's unknown error.",
    refuse: () => ({ kind: 'unknownOrigin' }),
  },
  'status-529': { on: 'any', about: 'Site overloaded.', refuse: () => ({ kind: 'overloadedSite' }) },
  'rate-limited': {
    on: 'any',
    about: '429 with `retry-after: N`, for Google with RetryInfo too.',
    number: { means: 'seconds', fallback: 2 },
    refuse: rateLimited('retry-after', String),
  },
  'rate-limited-date': {
    on: 'any',
    about: '429 with `retry-after` as an HTTP date.',
    number: { means: 'seconds', fallback: 2 },
    refuse: rateLimited('retry-after', dateIn),
  },
  'rate-limited-ms': {
    on: 'any',
    about: '429 with `retry-after-ms`.',
    number: { means: 'seconds', fallback: 2 },
    refuse: rateLimited('retry-after-ms', seconds => String(seconds * 1000)),
  },
  overloaded: {
    on: 'any',
    about: 'Overloaded, by the status of the protocol: 503, Anthropic 529.',
    refuse: () => ({ kind: 'overloaded' }),
  },
  'quota-gone': {
    on: 'any',
    about: 'The money of the key is used up: 429, Anthropic 400.',
    refuse: () => ({ kind: 'quota' }),
  },
  'key-revoked': {
    on: 'any',
    about: 'The key is no longer valid: 401, Google 400 `API_KEY_INVALID`.',
    refuse: revokedKey,
  },
  'content-filter': {
    on: 'any',
    about: 'The prompt is blocked: 400, Google 200 with `promptFeedback`.',
    refuse: (_, protocol) => (protocol === 'gemini' ? undefined : { kind: 'contentPolicy' }),
    reply: blockedPrompt,
  },
  'context-too-long': {
    on: 'any',
    about: 'The prompt does not fit the model: 400.',
    refuse: () => ({ kind: 'contextLength' }),
  },
  'model-missing': {
    on: 'any',
    about: 'No such model: 404.',
    refuse: () => ({ kind: 'modelNotFound', param: 'model' }),
  },
  'region-blocked': {
    on: 'any',
    about: 'Not from this country: 403, Google 400.',
    refuse: () => ({ kind: 'region' }),
  },
} as const satisfies Record<string, Fault>
