import { errorClasses } from '@yumen/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bodyBytesMax, exclusive, keys, requestId, type Stage, startStage, troubled } from './stage.ts'

/** A class as the clients of each dialect see it: status, and the words of the body. Absent where the row does not apply. */
interface ErrorRow {
  readonly status: number
  readonly statusA?: number
  readonly statusG?: number
  readonly openai: readonly [type: string, code: string]
  readonly anthropic: string
  readonly gemini: string
}

const invalid = 'invalid_request_error'
/** `relay.md` §2.8, read 2026-11-25. */
const table = {
  invalid_request: {
    status: 400,
    openai: [invalid, 'invalid_value'],
    anthropic: invalid,
    gemini: 'INVALID_ARGUMENT',
  },
  unsupported: {
    status: 400,
    openai: [invalid, 'unsupported_parameter'],
    anthropic: invalid,
    gemini: 'INVALID_ARGUMENT',
  },
  context_length: {
    status: 400,
    openai: [invalid, 'context_length_exceeded'],
    anthropic: invalid,
    gemini: 'INVALID_ARGUMENT',
  },
  payload_too_large: {
    status: 413,
    openai: [invalid, 'request_too_large'],
    anthropic: 'request_too_large',
    gemini: 'INVALID_ARGUMENT',
  },
  content_policy: {
    status: 400,
    openai: [invalid, 'content_policy_violation'],
    anthropic: invalid,
    gemini: 'INVALID_ARGUMENT',
  },
  auth_client: {
    status: 401,
    openai: [invalid, 'invalid_api_key'],
    anthropic: 'authentication_error',
    gemini: 'UNAUTHENTICATED',
  },
  permission_client: {
    status: 403,
    openai: [invalid, 'permission_denied'],
    anthropic: 'permission_error',
    gemini: 'PERMISSION_DENIED',
  },
  model_not_priced: {
    status: 400,
    openai: [invalid, 'model_not_priced'],
    anthropic: invalid,
    gemini: 'INVALID_ARGUMENT',
  },
  model_not_found: {
    status: 404,
    openai: [invalid, 'model_not_found'],
    anthropic: 'not_found_error',
    gemini: 'NOT_FOUND',
  },
  state_not_found: {
    status: 400,
    statusA: 404,
    statusG: 404,
    openai: [invalid, 'previous_response_not_found'],
    anthropic: 'not_found_error',
    gemini: 'NOT_FOUND',
  },
  state_invalid: {
    status: 400,
    openai: [invalid, 'reasoning_state_invalid'],
    anthropic: invalid,
    gemini: 'INVALID_ARGUMENT',
  },
  quota_client: {
    status: 402,
    openai: ['insufficient_quota', 'insufficient_quota'],
    anthropic: 'billing_error',
    gemini: 'RESOURCE_EXHAUSTED',
  },
  rate_limited_client: {
    status: 429,
    openai: ['requests', 'rate_limit_exceeded'],
    anthropic: 'rate_limit_error',
    gemini: 'RESOURCE_EXHAUSTED',
  },
  rate_limited: {
    status: 429,
    openai: ['requests', 'rate_limit_exceeded'],
    anthropic: 'rate_limit_error',
    gemini: 'RESOURCE_EXHAUSTED',
  },
  overloaded: {
    status: 503,
    statusA: 529,
    openai: ['server_error', 'overloaded'],
    anthropic: 'overloaded_error',
    gemini: 'UNAVAILABLE',
  },
  shed: {
    status: 503,
    statusA: 529,
    openai: ['server_error', 'gateway_overloaded'],
    anthropic: 'overloaded_error',
    gemini: 'UNAVAILABLE',
  },
  no_candidate: {
    status: 503,
    openai: ['server_error', 'upstream_unavailable'],
    anthropic: 'api_error',
    gemini: 'UNAVAILABLE',
  },
  upstream_timeout: {
    status: 504,
    openai: ['server_error', 'upstream_timeout'],
    anthropic: 'timeout_error',
    gemini: 'DEADLINE_EXCEEDED',
  },
  upstream_error: {
    status: 502,
    statusG: 500,
    openai: ['server_error', 'upstream_error'],
    anthropic: 'api_error',
    gemini: 'INTERNAL',
  },
  internal: {
    status: 500,
    openai: ['server_error', 'internal_error'],
    anthropic: 'api_error',
    gemini: 'INTERNAL',
  },
} as const satisfies Record<keyof typeof errorClasses, ErrorRow>
type ErrorClass = keyof typeof table

/** Classes that no request can bring about yet, and why. */
const outOfReach: Partial<Record<ErrorClass, string>> = {
  model_not_priced: 'a model without a price is served and charged nothing',
  rate_limited_client: 'needs requests before it: rate-limits.test.ts',
  shed: 'needs a full machine',
  internal: 'needs a bug',
}

const dialects = ['chat', 'responses', 'anthropic', 'gemini'] as const
type Dialect = (typeof dialects)[number]

/** What is wrong with a request, in one dialect or in all. */
interface Wrong {
  readonly says: string
  readonly only?: readonly Dialect[]
  readonly key?: string
  readonly model?: string | ((dialect: Dialect) => string)
  /** Further members, or a text that is sent as it is. */
  readonly body?: string | ((dialect: Dialect) => object)
}

const foreign = (dialect: Dialect) =>
  dialect === 'chat' || dialect === 'responses' ? exclusive.anthropic : exclusive.openai
const thinking = { type: 'thinking', thinking: 'x', signature: 'Zm9yZ2Vk' }
const forged: Readonly<Record<Dialect, object>> = {
  chat: {},
  responses: {
    input: [
      { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'forged' },
      { role: 'user', content: 'Hi' },
    ],
  },
  anthropic: {
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: [thinking] },
      { role: 'user', content: 'So?' },
    ],
  },
  gemini: {
    contents: [
      { role: 'user', parts: [{ text: 'Hi' }] },
      { role: 'model', parts: [{ text: 'x', thoughtSignature: 'Zm9yZ2Vk' }] },
      { role: 'user', parts: [{ text: 'So?' }] },
    ],
  },
}
const fault = (name: string): Wrong => ({ says: name, model: `sim-fault-${name}` })

const wrongs = {
  invalid_request: [
    { says: 'half a body', body: '{"model":"sim",' },
    { says: 'no JSON', body: 'model=sim' },
    { says: 'two objects', body: '{} {}' },
    { says: 'a key given twice', body: '{"tools":[],"tools":[],"model":"sim"}' },
    { says: 'a key in capitals', body: () => ({ TOOLS: [] }) },
  ],
  unsupported: [{ says: 'a model of another dialect', model: foreign }],
  context_length: [fault('context-too-long')],
  payload_too_large: [
    { says: 'an oversized body', body: () => ({ padding: 'x'.repeat(bodyBytesMax) }) },
    fault('status-413'),
  ],
  content_policy: [{ ...fault('content-filter'), only: ['chat', 'responses', 'anthropic'] }],
  auth_client: [
    { says: 'no key', key: '' },
    { says: 'an unknown key', key: keys.unknown },
    { says: 'a disabled key', key: keys.disabled },
    { says: 'an expired key', key: keys.expired },
  ],
  permission_client: [
    { says: 'a key for other models', key: keys.narrow },
    { says: 'a key for other addresses', key: keys.elsewhere },
    { says: 'a key for other endpoints', key: keys.embedding },
    { says: 'a channel behind the key of a user', key: `${keys.good}-1` },
  ],
  model_not_found: [{ says: 'an unknown model', model: 'nothing-of-ours' }],
  state_not_found: [
    {
      says: 'an unknown response',
      only: ['responses'],
      body: () => ({ previous_response_id: 'resp_missing' }),
    },
  ],
  state_invalid: [
    {
      says: 'forged reasoning',
      only: ['responses', 'anthropic', 'gemini'],
      body: dialect => forged[dialect],
    },
  ],
  quota_client: [{ says: 'a key without money', key: keys.spent }],
  rate_limited: [
    fault('status-429'),
    fault('rate-limited-3'),
    { says: 'a limited key of ours', model: troubled.limitedKey },
  ],
  overloaded: [fault('overloaded'), fault('status-529'), fault('status-503')],
  no_candidate: [
    { says: 'only disabled channels', model: troubled.disabled },
    { says: 'a dead key of ours', model: troubled.deadKey },
    { says: 'a broke key of ours', model: troubled.brokeKey },
    ...[
      'status-401',
      'status-402',
      'status-403',
      'quota-gone',
      'key-revoked',
      'region-blocked',
      'model-missing',
    ].map(fault),
  ],
  upstream_timeout: [
    fault('status-408'),
    fault('status-504'),
    fault('hang-before-headers'),
    fault('hang-after-headers'),
  ],
  upstream_error: [
    { says: 'nobody at the address', model: troubled.nobody },
    ...[
      'status-500',
      'status-502',
      'status-520',
      'html-502',
      'html-200',
      'garbage-body',
      'empty-body',
      'not-http',
      'bad-chunk',
    ].map(fault),
    ...[
      'reset-before-headers',
      'close-before-headers',
      'reset-in-headers',
      'reset-after-headers',
      'gzip-invalid',
      'redirect-302',
    ].map(fault),
  ],
} as const satisfies Partial<Record<ErrorClass, readonly Wrong[]>>

let stage: Stage
beforeAll(async () => {
  const faults = Object.values(wrongs)
    .flatMap((list: readonly Wrong[]) => list.map(({ model }) => String(model)))
    .filter(model => model.startsWith('sim-fault'))
  stage = await startStage({ models: ['sim', ...faults] })
})
afterAll(() => stage.close())

const rows = Object.entries<readonly Wrong[]>(wrongs).flatMap(([name, list]) => {
  if (!isClass(name)) throw new Error(`${name} is no class of the table`)
  const row: ErrorRow = table[name]
  return list.flatMap(wrong =>
    (wrong.only ?? dialects).map(dialect => ({ name, row, wrong, dialect, says: wrong.says })),
  )
})

function isClass(name: string): name is ErrorClass {
  return Object.hasOwn(table, name)
}

interface Asking {
  readonly wrong: Wrong
  readonly dialect: Dialect
  readonly isStreaming: boolean
}

function ask({ wrong, dialect, isStreaming }: Asking): Promise<Response> {
  const { key = keys.good, model: asked = 'sim', body: more = () => ({}) } = wrong
  const model = typeof asked === 'string' ? asked : asked(dialect)
  const stream = isStreaming && { stream: true }
  const messages = [{ role: 'user', content: 'Hi' }]
  const contents = [{ parts: [{ text: 'Hi' }] }]
  const method = isStreaming ? 'streamGenerateContent?alt=sse' : 'generateContent'
  const [path, keyHeaders, plain] = {
    chat: [
      '/v1/chat/completions',
      { authorization: `Bearer ${key}` },
      { model, messages, ...stream },
    ] as const,
    responses: [
      '/v1/responses',
      { authorization: `Bearer ${key}` },
      { model, input: 'Hi', ...stream },
    ] as const,
    anthropic: [
      '/v1/messages',
      { 'x-api-key': key, 'anthropic-version': '2023-06-01' },
      { model, messages, max_tokens: 99, ...stream },
    ] as const,
    gemini: [`/v1beta/models/${model}:${method}`, { 'x-goog-api-key': key }, { contents }] as const,
  }[dialect]
  const body = typeof more === 'string' ? more : JSON.stringify({ ...plain, ...more(dialect) })
  return fetch(`${stage.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...keyHeaders },
    body,
  })
}

function statusOf(row: ErrorRow, dialect: Dialect): number {
  if (dialect === 'anthropic') return row.statusA ?? row.status
  return dialect === 'gemini' ? (row.statusG ?? row.status) : row.status
}

/** Their bodies are the upstream's own. */
const kept: readonly string[] = ['context_length', 'content_policy']

/** The whole body: no dialect has members that are not listed here. */
function bodyOf({ name, row, dialect }: (typeof rows)[number], id: string | null): object {
  const message = expect.stringMatching(/\S/)
  if (dialect === 'gemini')
    return { error: expect.objectContaining({ code: statusOf(row, dialect), message, status: row.gemini }) }
  if (dialect === 'anthropic') {
    return {
      type: 'error',
      error: { type: row.anthropic, message },
      request_id: kept.includes(name) ? expect.any(String) : id,
    }
  }
  const [type, code] = row.openai
  return { error: { message, type, code, param: expect.toBeOneOf([expect.any(String), null]) } }
}

describe('what a client is told', () => {
  test('every class is provoked or known to be out of reach', () => {
    expect([...Object.keys(wrongs), ...Object.keys(outOfReach)].sort()).toEqual(
      Object.keys(errorClasses).sort(),
    )
  })

  test.each(rows)('$dialect, $name: $says', async row => {
    const { name, wrong, dialect } = row
    const asked = [false, true].map(isStreaming => ask({ wrong, dialect, isStreaming }))
    for (const response of await Promise.all(asked)) {
      const id = response.headers.get('x-request-id')
      expect(id).toMatch(requestId)
      expect({ status: response.status, body: await response.json() }).toEqual({
        status: statusOf(row.row, dialect),
        body: bodyOf(row, id),
      })
      expect(response.headers.get('content-type')).toMatch(/^application\/json/)
      if (dialect === 'anthropic') expect(response.headers.get('request-id')).toBe(id)
      expect(response.headers.get('x-should-retry')).toBe(errorClasses[name].isRetryable ? null : 'false')
    }
  })

  test.each(dialects)('%s: retry-after comes where it is known, and only there', async dialect => {
    const known = await ask({ wrong: fault('rate-limited-3'), dialect, isStreaming: false })
    expect(known.headers.get('retry-after')).toBe('3')
    const unknown = await ask({ wrong: fault('status-429'), dialect, isStreaming: false })
    expect(unknown.headers.get('retry-after')).toBeNull()
  })
})
