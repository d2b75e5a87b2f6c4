import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Reading } from './dialect.ts'
import { dialectNames } from './dialect.ts'
import { dialects } from './dialects.ts'
import { type ErrorClass, errorClasses, errorStatus, type ToldError } from './errors.ts'
import type { Usage } from './usage.ts'

/** relay.md 2.8, line by line: status toward C and R, toward A, toward G; OpenAI's type and code; A's type; G's status. */
const told: readonly (readonly [ErrorClass, number, number, number, string, string, string, string])[] = [
  [
    'invalid_request',
    400,
    400,
    400,
    'invalid_request_error',
    'invalid_value',
    'invalid_request_error',
    'INVALID_ARGUMENT',
  ],
  [
    'unsupported',
    400,
    400,
    400,
    'invalid_request_error',
    'unsupported_parameter',
    'invalid_request_error',
    'INVALID_ARGUMENT',
  ],
  [
    'context_length',
    400,
    400,
    400,
    'invalid_request_error',
    'context_length_exceeded',
    'invalid_request_error',
    'INVALID_ARGUMENT',
  ],
  [
    'payload_too_large',
    413,
    413,
    413,
    'invalid_request_error',
    'request_too_large',
    'request_too_large',
    'INVALID_ARGUMENT',
  ],
  [
    'content_policy',
    400,
    400,
    400,
    'invalid_request_error',
    'content_policy_violation',
    'invalid_request_error',
    'INVALID_ARGUMENT',
  ],
  [
    'auth_client',
    401,
    401,
    401,
    'invalid_request_error',
    'invalid_api_key',
    'authentication_error',
    'UNAUTHENTICATED',
  ],
  [
    'permission_client',
    403,
    403,
    403,
    'invalid_request_error',
    'permission_denied',
    'permission_error',
    'PERMISSION_DENIED',
  ],
  [
    'model_not_priced',
    400,
    400,
    400,
    'invalid_request_error',
    'model_not_priced',
    'invalid_request_error',
    'INVALID_ARGUMENT',
  ],
  [
    'model_not_found',
    404,
    404,
    404,
    'invalid_request_error',
    'model_not_found',
    'not_found_error',
    'NOT_FOUND',
  ],
  [
    'state_not_found',
    400,
    404,
    404,
    'invalid_request_error',
    'previous_response_not_found',
    'not_found_error',
    'NOT_FOUND',
  ],
  [
    'state_invalid',
    400,
    400,
    400,
    'invalid_request_error',
    'reasoning_state_invalid',
    'invalid_request_error',
    'INVALID_ARGUMENT',
  ],
  [
    'quota_client',
    402,
    402,
    402,
    'insufficient_quota',
    'insufficient_quota',
    'billing_error',
    'RESOURCE_EXHAUSTED',
  ],
  [
    'rate_limited_client',
    429,
    429,
    429,
    'requests',
    'rate_limit_exceeded',
    'rate_limit_error',
    'RESOURCE_EXHAUSTED',
  ],
  [
    'rate_limited',
    429,
    429,
    429,
    'requests',
    'rate_limit_exceeded',
    'rate_limit_error',
    'RESOURCE_EXHAUSTED',
  ],
  ['overloaded', 503, 529, 503, 'server_error', 'overloaded', 'overloaded_error', 'UNAVAILABLE'],
  ['shed', 503, 529, 503, 'server_error', 'gateway_overloaded', 'overloaded_error', 'UNAVAILABLE'],
  ['no_candidate', 503, 503, 503, 'server_error', 'upstream_unavailable', 'api_error', 'UNAVAILABLE'],
  [
    'upstream_timeout',
    504,
    504,
    504,
    'server_error',
    'upstream_timeout',
    'timeout_error',
    'DEADLINE_EXCEEDED',
  ],
  ['upstream_error', 502, 502, 500, 'server_error', 'upstream_error', 'api_error', 'INTERNAL'],
  ['internal', 500, 500, 500, 'server_error', 'internal_error', 'api_error', 'INTERNAL'],
]

test('the error classes are those of the list for programs, in its order', () => {
  expect(Object.keys(errorClasses)).toEqual(told.map(([name]) => name))
})

test.each(told)(
  '%s is told to every dialect in its own words',
  (name, c, a, g, type, code, anthropic, gemini) => {
    const error: ToldError = { class: name, message: 'Because.', requestId: 'req_7' }
    expect(errorStatus(name, 'openai-responses')).toBe(c)
    for (const dialect of [dialects['openai-chat'], dialects['openai-responses']]) {
      const body = { error: expect.objectContaining({ message: 'Because.', type, code }) }
      expect(dialect.renderError(error)).toEqual({ status: c, body })
    }
    expect(dialects.anthropic.renderError(error)).toEqual({
      status: a,
      body: {
        type: 'error',
        error: { type: anthropic, message: expect.stringContaining('Because.') },
        request_id: 'req_7',
      },
    })
    expect(dialects.gemini.renderError(error)).toEqual({
      status: g,
      body: { error: { code: g, message: expect.stringContaining('Because.'), status: gemini } },
    })
  },
)

test('each dialect has its own name', () => {
  for (const name of dialectNames) expect(dialects[name].name).toBe(name)
})

test('what Yumen tells its clients, another Yumen understands', () => {
  const classes = [
    'context_length',
    'payload_too_large',
    'rate_limited',
    'overloaded',
    'upstream_timeout',
    'upstream_error',
  ] as const
  for (const name of dialectNames) {
    for (const error of classes) {
      const { status, body } = dialects[name].renderError({
        class: error,
        message: 'Because.',
        requestId: 'req_7',
      })
      expect(dialects[name].parseError(status, body).class).toBe(error)
    }
  }
})

const worked = {
  input: 5500,
  cacheRead: 4000,
  inputBy: {},
  toolUse: 0,
  output: 300,
  reasoning: 200,
  outputBy: {},
  server: { webSearch: 0, webFetch: 0, codeCalls: 0, fileSearch: 0 },
  tier: undefined,
}

test.each([
  {
    name: 'openai-chat' as const,
    written: '30m',
    usage: {
      prompt_tokens: 5500,
      completion_tokens: 300,
      total_tokens: 5800,
      prompt_tokens_details: { cached_tokens: 4000, cache_write_tokens: 500 },
      completion_tokens_details: { reasoning_tokens: 200 },
    },
  },
  {
    name: 'openai-responses' as const,
    written: '30m',
    usage: {
      input_tokens: 5500,
      output_tokens: 300,
      total_tokens: 5800,
      input_tokens_details: { cached_tokens: 4000, cache_write_tokens: 500 },
      output_tokens_details: { reasoning_tokens: 200 },
    },
  },
  {
    name: 'anthropic' as const,
    written: '5m',
    usage: {
      input_tokens: 1000,
      cache_read_input_tokens: 4000,
      cache_creation_input_tokens: 500,
      cache_creation: { ephemeral_5m_input_tokens: 500, ephemeral_1h_input_tokens: 0 },
      output_tokens: 300,
      output_tokens_details: { thinking_tokens: 200 },
    },
  },
  {
    name: 'gemini' as const,
    written: undefined,
    usage: {
      promptTokenCount: 5500,
      cachedContentTokenCount: 4000,
      candidatesTokenCount: 100,
      thoughtsTokenCount: 200,
      totalTokenCount: 5800,
    },
  },
])('the worked example of one request counts the same in $name', ({ name, usage, written }) => {
  const cacheWrite = { '5m': 0, '30m': 0, '1h': 0, '12h': 0, ...(written && { [written]: 500 }) }
  expect(dialects[name].parseUsage(usage)).toEqual({ ...worked, cacheWrite })
})

const readings: readonly Reading[] = ['prelude', 'content', 'usage', 'finish', 'end', 'error']
const words = [
  'choices',
  'delta',
  'message',
  'index',
  'finish_reason',
  'content',
  'tool_calls',
  'function',
  'arguments',
  'usage',
  'error',
  'code',
  'type',
  'response',
  'item',
  'output',
  'output_index',
  'content_block',
  'stop_reason',
  'candidates',
  'parts',
  'text',
  'functionCall',
  'args',
  'finishReason',
  'usageMetadata',
  'promptFeedback',
  'blockReason',
  'details',
  'sequence_number',
  '__proto__',
  'constructor',
]
const types = [
  'response.created',
  'response.output_text.delta',
  'response.completed',
  'message_start',
  'message_delta',
  'error',
  'stop',
]
const shaped = fc.letrec(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.jsonValue({ maxDepth: 1 }),
    fc.constantFrom(...types),
    fc.double(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...words), tie('value'), { maxKeys: 4 }),
  ),
})).value
const data = fc.oneof(
  fc.string(),
  fc.json(),
  shaped.map(value => JSON.stringify(value)),
  fc.constantFrom('', '[DONE]', 'null', '[]', '{'),
)
const event = fc.oneof(fc.string(), fc.constantFrom('', 'error', ...types))

test.each(dialectNames)(
  '%s: whatever a stream holds, each event gives a reading and nothing throws',
  name => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(data, event), { maxLength: 6 }),
        fc.integer({ min: -1, max: 3 }),
        (events, choices) => {
          const tap = dialects[name].tap(choices)
          for (const [payload, eventName] of events) {
            const reading = tap.read(payload, eventName)
            expect(readings).toContain(reading)
            if (reading === 'error') expect(tap.error).toBeDefined()
          }
          expect(typeof tap.text).toBe('string')
          expectInvariants(tap.usage)
        },
      ),
      { numRuns: 300 },
    )
  },
)

test.each(dialectNames)('%s: whatever a body holds, it is read without a throw', name => {
  fc.assert(
    fc.property(
      fc.oneof(shaped, fc.jsonValue(), fc.constant(undefined)),
      fc.integer({ min: 0, max: 599 }),
      (body, status) => {
        const dialect = dialects[name]
        expect(dialect.parseError(status, body).message.length).toBeLessThanOrEqual(2_000)
        dialect.findError(body)
        expect(typeof dialect.textOf(body)).toBe('string')
        expectInvariants(dialect.parseUsage(body, body))
      },
    ),
    { numRuns: 300 },
  )
})

const deep = `{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":${'['.repeat(20_000)}${']'.repeat(20_000)}}}]}}]}`

test('arguments nested beyond the stack are no throw', () => {
  expect(dialects['openai-chat'].tap(1).read(deep, '')).toBe('content')
})

const number = fc.oneof(fc.nat(10_000), fc.integer(), fc.double(), fc.constant(null), fc.constant(undefined))
const details = fc.record(
  {
    cached_tokens: number,
    cache_write_tokens: number,
    reasoning_tokens: number,
    thinking_tokens: number,
    text_tokens: number,
    audio_tokens: number,
    image_tokens: number,
    cache_creation_input_tokens: number,
    ephemeral_5m_input_tokens: number,
    ephemeral_1h_input_tokens: number,
    ttl_30m_tokens: number,
    ttl_12h_tokens: number,
  },
  { requiredKeys: [] },
)
const byModality = fc.array(
  fc.record({ modality: fc.constantFrom('TEXT', 'IMAGE', 'AUDIO', 'X'), tokenCount: number }),
  { maxLength: 4 },
)
const anyUsage = fc.record(
  {
    prompt_tokens: number,
    completion_tokens: number,
    total_tokens: number,
    input_tokens: number,
    output_tokens: number,
    cache_read_input_tokens: number,
    cache_creation_input_tokens: number,
    prompt_cache_hit_tokens: number,
    prompt_tokens_details: details,
    completion_tokens_details: details,
    input_tokens_details: details,
    output_tokens_details: details,
    cache_creation: details,
    promptTokenCount: number,
    candidatesTokenCount: number,
    thoughtsTokenCount: number,
    totalTokenCount: number,
    cachedContentTokenCount: number,
    toolUsePromptTokenCount: number,
    promptTokensDetails: byModality,
    candidatesTokensDetails: byModality,
  },
  { requiredKeys: [] },
)

test.each(dialectNames)('%s: the invariants of usage hold for any numbers', name => {
  fc.assert(
    fc.property(anyUsage, usage => expectInvariants(dialects[name].parseUsage(usage))),
    { numRuns: 1_000 },
  )
})

function expectInvariants(usage: Usage | undefined): void {
  if (!usage) return
  const { cacheWrite } = usage
  const written = cacheWrite['5m'] + cacheWrite['30m'] + cacheWrite['1h'] + cacheWrite['12h']
  const sum = (split: Usage['inputBy']) =>
    Object.values(split).reduce((total, count) => total + (count ?? 0), 0)
  expect(usage.input - usage.cacheRead - written).toBeGreaterThanOrEqual(0)
  expect(usage.toolUse).toBeLessThanOrEqual(usage.input)
  expect(usage.reasoning ?? 0).toBeLessThanOrEqual(usage.output)
  expect(sum(usage.inputBy)).toBeLessThanOrEqual(usage.input)
  expect(sum(usage.outputBy)).toBeLessThanOrEqual(usage.output)
  const counts = [
    usage.input,
    usage.output,
    usage.cacheRead,
    usage.toolUse,
    usage.reasoning ?? 0,
    ...Object.values(cacheWrite),
  ]
  for (const count of counts) expect(Number.isSafeInteger(count) && count >= 0).toBe(true)
}
