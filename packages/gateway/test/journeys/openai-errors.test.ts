import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { apiErrorOf, clientOf, messages } from './openai-client.ts'
import {
  bodyBytesMax,
  breaking,
  fault,
  keys,
  requestId,
  type Stage,
  sentence,
  startStage,
  troubled,
} from './stage.ts'

let stage: Stage
let client: OpenAI
beforeAll(async () => {
  stage = await startStage({ models: ['sim', ...breaking, ...faulty] })
  client = clientOf(stage, keys.good)
})
afterAll(() => stage.close())

interface ErrorCase {
  readonly says: string
  readonly key?: string
  readonly model?: string
  readonly body?: object
  readonly raises: abstract new (...args: never[]) => Error
  readonly status: number
  readonly type: string
  readonly code: string | null
}

const invalid = 'invalid_request_error'
const away = { raises: OpenAI.InternalServerError, type: 'server_error' } as const
const errors: readonly ErrorCase[] = [
  {
    says: 'an unknown key',
    key: keys.unknown,
    raises: OpenAI.AuthenticationError,
    status: 401,
    type: invalid,
    code: 'invalid_api_key',
  },
  {
    says: 'a disabled key',
    key: keys.disabled,
    raises: OpenAI.AuthenticationError,
    status: 401,
    type: invalid,
    code: 'invalid_api_key',
  },
  {
    says: 'an expired key',
    key: keys.expired,
    raises: OpenAI.AuthenticationError,
    status: 401,
    type: invalid,
    code: 'invalid_api_key',
  },
  {
    says: 'a key for other models',
    key: keys.narrow,
    raises: OpenAI.PermissionDeniedError,
    status: 403,
    type: invalid,
    code: 'permission_denied',
  },
  {
    says: 'a key for other addresses',
    key: keys.elsewhere,
    raises: OpenAI.PermissionDeniedError,
    status: 403,
    type: invalid,
    code: 'permission_denied',
  },
  {
    says: 'a key whose limit is used up',
    key: keys.spent,
    raises: OpenAI.APIError,
    status: 402,
    type: 'insufficient_quota',
    code: 'insufficient_quota',
  },
  {
    says: 'an unknown model',
    model: 'nothing-of-ours',
    raises: OpenAI.NotFoundError,
    status: 404,
    type: invalid,
    code: 'model_not_found',
  },
  {
    says: 'a model that is a number',
    body: { model: 5 },
    raises: OpenAI.BadRequestError,
    status: 400,
    type: invalid,
    code: 'invalid_value',
  },
  {
    says: 'no model',
    body: { model: undefined },
    raises: OpenAI.BadRequestError,
    status: 400,
    type: invalid,
    code: 'invalid_value',
  },
  {
    says: 'a stream that is a text',
    body: { stream: 'yes' },
    raises: OpenAI.BadRequestError,
    status: 400,
    type: invalid,
    code: 'invalid_value',
  },
  {
    says: 'an oversized body',
    body: { padding: 'x'.repeat(bodyBytesMax) },
    raises: OpenAI.APIError,
    status: 413,
    type: invalid,
    code: 'request_too_large',
  },
  {
    says: 'a prompt that is too long',
    model: 'sim-fault-context-too-long',
    raises: OpenAI.BadRequestError,
    status: 400,
    type: invalid,
    code: 'context_length_exceeded',
  },
  {
    says: 'a filtered prompt',
    model: 'sim-fault-content-filter',
    raises: OpenAI.BadRequestError,
    status: 400,
    type: invalid,
    code: 'content_policy_violation',
  },
  {
    says: 'what the upstream finds invalid',
    body: { temperature: 9 },
    raises: OpenAI.BadRequestError,
    status: 400,
    type: invalid,
    code: 'decimal_out_of_range',
  },
  {
    says: 'a 409 of the upstream',
    model: 'sim-fault-status-409',
    raises: OpenAI.ConflictError,
    status: 409,
    type: invalid,
    code: 'conflict',
  },
  {
    says: 'a 413 of the upstream',
    model: 'sim-fault-status-413',
    raises: OpenAI.APIError,
    status: 413,
    type: invalid,
    code: 'request_too_large',
  },
  {
    says: 'a 422 of the upstream',
    model: 'sim-fault-status-422',
    raises: OpenAI.UnprocessableEntityError,
    status: 422,
    type: invalid,
    code: 'unprocessable_entity',
  },
  {
    says: 'a 429 of the upstream',
    model: 'sim-fault-status-429',
    raises: OpenAI.RateLimitError,
    status: 429,
    type: 'requests',
    code: 'rate_limit_exceeded',
  },
  {
    says: 'a limited key of ours',
    model: troubled.limitedKey,
    raises: OpenAI.RateLimitError,
    status: 429,
    type: 'requests',
    code: 'rate_limit_exceeded',
  },
  { says: 'an overloaded upstream', model: 'sim-fault-overloaded', ...away, status: 503, code: 'overloaded' },
  { says: 'a 503 of the upstream', model: 'sim-fault-status-503', ...away, status: 503, code: 'overloaded' },
  {
    says: 'only disabled channels',
    model: troubled.disabled,
    ...away,
    status: 503,
    code: 'upstream_unavailable',
  },
  { says: 'a dead key of ours', model: troubled.deadKey, ...away, status: 503, code: 'upstream_unavailable' },
  {
    says: 'a broke key of ours',
    model: troubled.brokeKey,
    ...away,
    status: 503,
    code: 'upstream_unavailable',
  },
  {
    says: 'a 401 of the upstream',
    model: 'sim-fault-status-401',
    ...away,
    status: 503,
    code: 'upstream_unavailable',
  },
  {
    says: 'a 403 of the upstream',
    model: 'sim-fault-status-403',
    ...away,
    status: 503,
    code: 'upstream_unavailable',
  },
  {
    says: 'a revoked key of ours',
    model: 'sim-fault-key-revoked',
    ...away,
    status: 503,
    code: 'upstream_unavailable',
  },
  {
    says: 'used up money of ours',
    model: 'sim-fault-quota-gone',
    ...away,
    status: 503,
    code: 'upstream_unavailable',
  },
  {
    says: 'a model that the upstream lost',
    model: 'sim-fault-model-missing',
    ...away,
    status: 503,
    code: 'upstream_unavailable',
  },
  {
    says: 'a blocked region',
    model: 'sim-fault-region-blocked',
    ...away,
    status: 503,
    code: 'upstream_unavailable',
  },
  { says: 'nobody at the address', model: troubled.nobody, ...away, status: 502, code: 'upstream_error' },
  {
    says: 'a 500 of the upstream',
    model: 'sim-fault-status-500',
    ...away,
    status: 502,
    code: 'upstream_error',
  },
  {
    says: 'a 502 of the upstream',
    model: 'sim-fault-status-502',
    ...away,
    status: 502,
    code: 'upstream_error',
  },
  {
    says: 'a page instead of an answer',
    model: 'sim-fault-html-502',
    ...away,
    status: 502,
    code: 'upstream_error',
  },
  {
    says: 'no answer but a reset',
    model: 'sim-fault-reset-before-headers',
    ...away,
    status: 502,
    code: 'upstream_error',
  },
  {
    says: 'no answer but a close',
    model: 'sim-fault-close-before-headers',
    ...away,
    status: 502,
    code: 'upstream_error',
  },
  {
    says: 'an answer of garbage',
    model: 'sim-fault-garbage-body',
    ...away,
    status: 502,
    code: 'upstream_error',
  },
  { says: 'an error in a 200', model: 'sim-fault-error-in-200', ...away, status: 503, code: 'overloaded' },
  {
    says: 'a 408 of the upstream',
    model: 'sim-fault-status-408',
    ...away,
    status: 504,
    code: 'upstream_timeout',
  },
  {
    says: 'a 504 of the upstream',
    model: 'sim-fault-status-504',
    ...away,
    status: 504,
    code: 'upstream_timeout',
  },
  {
    says: 'a silent upstream',
    model: 'sim-fault-hang-before-headers',
    ...away,
    status: 504,
    code: 'upstream_timeout',
  },
]
const faulty = [
  ...errors.flatMap(({ model }) => (model?.startsWith('sim-fault') ? [model] : [])),
  ...['error-first-event', 'empty-stream', 'only-end', 'rate-limited-7'].map(fault),
]

/** Asks one case on each endpoint, whole and streamed, and gives what was raised. */
function provoke({ key = keys.good, model = 'sim', body = {} }: ErrorCase) {
  const asker = clientOf(stage, key)
  const post = (path: string, more: object) =>
    apiErrorOf(asker.post(path, { body: { model, ...more, ...body } }))
  return Promise.all([
    post('/chat/completions', { messages }),
    post('/chat/completions', { messages, stream: true }),
    post('/responses', { input: 'Hi' }),
    post('/responses', { input: 'Hi', stream: true }),
  ])
}

describe('errors before an answer', () => {
  test.each(errors)('$says raises the class of its status, $status $code', async row => {
    for (const error of await provoke(row)) {
      expect(error).toBeInstanceOf(row.raises)
      const { status, type, code } = row
      expect(error).toMatchObject({ status, type, code, requestID: expect.stringMatching(requestId) })
      expect(error.headers?.get('content-type')).toMatch(/^application\/json/)
      expect(error.message).not.toMatch(/upstream-key|dead-key|127\.0\.0\.1:|openai-good/)
    }
  })

  test.each([
    '{',
    '',
    '[]',
    '"x"',
    '{"model":"sim"} {}',
    '{"model":"sim","model":"sim"}',
    '{"MODEL":"sim"}',
    '{"model":"\u0000"}',
  ])('the body %j is a 400 with the words of one', async body => {
    const response = await fetch(`${stage.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys.good}`, 'content-type': 'application/json' },
      body,
    })
    expect(response.status).toBe(400)
    expect(response.headers.get('x-request-id')).toMatch(requestId)
    expect(await response.json()).toMatchObject({
      error: { type: invalid, code: 'invalid_value', message: expect.any(String) },
    })
  })

  test('an upstream that says when to come back is passed on as seconds and as milliseconds', async () => {
    const error = await apiErrorOf(
      client.chat.completions.create({ model: 'sim-fault-rate-limited-7', messages }),
    )
    expect(error.headers?.get('retry-after')).toBe('7')
    expect(error.headers?.get('retry-after-ms')).toBe('7000')
  })

  test.each([
    { key: keys.unknown, model: 'sim', calls: 1 },
    { key: keys.good, model: 'sim-fault-content-filter', calls: 1 },
    { key: keys.good, model: troubled.disabled, calls: 2 },
  ])('a client with retries asks $calls times for $model', async ({ key, model, calls }) => {
    const counted = vi.fn(fetch)
    const patient = new OpenAI({
      apiKey: key,
      baseURL: `${stage.url}/v1`,
      maxRetries: 1,
      fetch: counted,
      logLevel: 'off',
    })
    await apiErrorOf(patient.chat.completions.create({ model, messages }))
    expect(counted).toHaveBeenCalledTimes(calls)
  })

  test('a key answers until its limit is used up, and is a 402 from then on', async () => {
    const poor = clientOf(stage, keys.poor)
    expect((await poor.chat.completions.create({ model: 'sim', messages })).model).toBe('sim')
    const error = await apiErrorOf(poor.chat.completions.create({ model: 'sim', messages }))
    expect(error).toMatchObject({ status: 402, code: 'insufficient_quota' })
  })

  test.each([
    { model: 'sim-fault-error-first-event', status: 503 },
    { model: 'sim-fault-empty-stream', status: 502 },
    { model: 'sim-fault-only-end', status: 502 },
  ])('$model is an error of the request, not of the stream', async ({ model, status }) => {
    const error = await apiErrorOf(client.chat.completions.create({ model, messages, stream: true }))
    expect(error).toBeInstanceOf(OpenAI.InternalServerError)
    expect(error.status).toBe(status)
  })

  test('an address that does not exist is a NotFoundError, with the words of the dialect', async () => {
    const error = await apiErrorOf(client.post('/chat/nonsense', { body: { model: 'sim' } }))
    expect(error).toBeInstanceOf(OpenAI.NotFoundError)
    expect(error.type).toBe(invalid)
  })
})

describe('errors amid a stream', () => {
  test.each(breaking)('%s raises after the text that came', async model => {
    const stream = await client.chat.completions.create({ model, messages, stream: true })
    let text = ''
    const reading = async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    }
    const error = await apiErrorOf(reading())
    expect(sentence.startsWith(text) && text.length > 0).toBe(true)
    expect(text).not.toBe(sentence)
    expect(error).toMatchObject({ type: 'server_error', requestID: expect.stringMatching(requestId) })
    expect(error.code).toBe(model.includes('hang') ? 'upstream_timeout' : 'upstream_error')
  })

  test('the stream helper raises too', async () => {
    const stream = client.chat.completions.stream({ model: 'sim-fault-cut-after-8', messages })
    await apiErrorOf(stream.finalChatCompletion())
  })
})
