import Anthropic from '@anthropic-ai/sdk'
import type { RawMessageStreamEvent } from '@anthropic-ai/sdk/resources/messages'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { apiErrorOf, ask, city, clientOf, expected, messages, read } from './anthropic-client.ts'
import {
  bodyBytesMax,
  breaking,
  fault,
  keys,
  requestId,
  type Stage,
  sentence,
  startStage,
  thought,
  troubled,
} from './stage.ts'

let stage: Stage
let client: Anthropic
beforeAll(async () => {
  stage = await startStage({ models: ['sim', 'sim-tools-fault-cut-after-6', ...breaking, ...faulty] })
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
}

const invalid = { raises: Anthropic.BadRequestError, status: 400, type: 'invalid_request_error' }
const unavailable = { raises: Anthropic.ServiceUnavailableError, status: 503, type: 'api_error' }
const failed = { raises: Anthropic.InternalServerError, status: 502, type: 'api_error' }
const overloaded = { raises: Anthropic.OverloadedError, status: 529, type: 'overloaded_error' }
const late = { raises: Anthropic.GatewayTimeoutError, status: 504, type: 'timeout_error' }
const limited = { raises: Anthropic.RateLimitError, status: 429, type: 'rate_limit_error' }
const refused = { raises: Anthropic.AuthenticationError, status: 401, type: 'authentication_error' }
const forbidden = { raises: Anthropic.PermissionDeniedError, status: 403, type: 'permission_error' }
const errors: readonly ErrorCase[] = [
  { says: 'an unknown key', key: keys.unknown, ...refused },
  { says: 'a disabled key', key: keys.disabled, ...refused },
  { says: 'an expired key', key: keys.expired, ...refused },
  { says: 'a key for other models', key: keys.narrow, ...forbidden },
  { says: 'a key for other addresses', key: keys.elsewhere, ...forbidden },
  {
    says: 'a key whose limit is used up',
    key: keys.spent,
    raises: Anthropic.PaymentRequiredError,
    status: 402,
    type: 'billing_error',
  },
  {
    says: 'an unknown model',
    model: 'nothing-of-ours',
    raises: Anthropic.NotFoundError,
    status: 404,
    type: 'not_found_error',
  },
  { says: 'a model that is a number', body: { model: 5 }, ...invalid },
  { says: 'no model', body: { model: undefined }, ...invalid },
  { says: 'a limit that is a text', body: { max_tokens: 'many' }, ...invalid },
  { says: 'what the upstream finds invalid', body: { nonsense: 1 }, ...invalid },
  { says: 'a 400 of the upstream', model: 'sim-fault-status-400', ...invalid },
  {
    says: 'an oversized body',
    body: { padding: 'x'.repeat(bodyBytesMax) },
    raises: Anthropic.ContentTooLargeError,
    status: 413,
    type: 'request_too_large',
  },
  { says: 'a prompt that is too long', model: 'sim-fault-context-too-long', ...invalid },
  { says: 'a filtered prompt', model: 'sim-fault-content-filter', ...invalid },
  {
    says: 'a 409 of the upstream',
    model: 'sim-fault-status-409',
    raises: Anthropic.ConflictError,
    status: 409,
    type: 'invalid_request_error',
  },
  {
    says: 'a 413 of the upstream',
    model: 'sim-fault-status-413',
    raises: Anthropic.ContentTooLargeError,
    status: 413,
    type: 'request_too_large',
  },
  {
    says: 'a 422 of the upstream',
    model: 'sim-fault-status-422',
    raises: Anthropic.UnprocessableEntityError,
    status: 422,
    type: 'invalid_request_error',
  },
  { says: 'a 429 of the upstream', model: 'sim-fault-status-429', ...limited },
  { says: 'a limited key of ours', model: troubled.limitedKey, ...limited },
  { says: 'an overloaded upstream', model: 'sim-fault-overloaded', ...overloaded },
  { says: 'a 529 of the upstream', model: 'sim-fault-status-529', ...overloaded },
  { says: 'an overload in a 200', model: 'sim-fault-error-in-200', ...overloaded },
  { says: 'only disabled channels', model: troubled.disabled, ...unavailable },
  { says: 'a dead key of ours', model: troubled.deadKey, ...unavailable },
  { says: 'a broke key of ours', model: troubled.brokeKey, ...unavailable },
  { says: 'a 401 of the upstream', model: 'sim-fault-status-401', ...unavailable },
  { says: 'a 402 of the upstream', model: 'sim-fault-status-402', ...unavailable },
  { says: 'a 403 of the upstream', model: 'sim-fault-status-403', ...unavailable },
  { says: 'a 404 of the upstream', model: 'sim-fault-status-404', ...unavailable },
  { says: 'used up money of ours', model: 'sim-fault-quota-gone', ...unavailable },
  { says: 'a revoked key of ours', model: 'sim-fault-key-revoked', ...unavailable },
  { says: 'a model that the upstream lost', model: 'sim-fault-model-missing', ...unavailable },
  { says: 'a blocked region', model: 'sim-fault-region-blocked', ...unavailable },
  { says: 'nobody at the address', model: troubled.nobody, ...failed },
  { says: 'a 500 of the upstream', model: 'sim-fault-status-500', ...failed },
  { says: 'a 502 of the upstream', model: 'sim-fault-status-502', ...failed },
  { says: 'a page instead of an answer', model: 'sim-fault-html-502', ...failed },
  { says: 'no answer but a reset', model: 'sim-fault-reset-before-headers', ...failed },
  { says: 'no answer but a close', model: 'sim-fault-close-before-headers', ...failed },
  { says: 'an answer of garbage', model: 'sim-fault-garbage-body', ...failed },
  { says: 'a 408 of the upstream', model: 'sim-fault-status-408', ...late },
  { says: 'a 504 of the upstream', model: 'sim-fault-status-504', ...late },
  { says: 'a silent upstream', model: 'sim-fault-hang-before-headers', ...late },
]
const faulty = [
  ...errors.flatMap(({ model }) => (model?.startsWith('sim-fault') ? [model] : [])),
  ...['error-first-event', 'empty-stream', 'only-end', 'rate-limited-7', 'status-404'].map(fault),
]

/** Asks one case whole and streamed, and gives what was raised. */
function provoke({ key = keys.good, model = 'sim', body = {} }: ErrorCase) {
  const asker = clientOf(stage, key)
  const headers = { 'anthropic-version': '2023-06-01' }
  const post = (more: object) =>
    apiErrorOf(asker.post('/v1/messages', { headers, body: { ...ask(model), ...more, ...body } }))
  return Promise.all([post({}), post({ stream: true })])
}

describe('errors before an answer', () => {
  test.each(errors)('$says raises the class of its status, $status $type', async row => {
    for (const error of await provoke(row)) {
      expect(error).toBeInstanceOf(row.raises)
      expect(error).toMatchObject({
        status: row.status,
        type: row.type,
        requestID: expect.stringMatching(requestId),
      })
      expect(error.error).toMatchObject({
        type: 'error',
        error: { type: row.type, message: expect.any(String) },
      })
      expect(error.headers?.get('content-type')).toMatch(/^application\/json/)
      expect(error.message).not.toMatch(/upstream-key|dead-key|127\.0\.0\.1:|anthropic-good/)
    }
  })

  test('a prompt that is too long says so in the words that clients look for', async () => {
    const error = await apiErrorOf(client.messages.create(ask('sim-fault-context-too-long')))
    expect(error.apiMessage).toMatch(/^prompt is too long: \d+ tokens > \d+ maximum/)
  })

  test('an upstream that says when to come back is passed on', async () => {
    const error = await apiErrorOf(client.messages.create(ask('sim-fault-rate-limited-7')))
    expect(error.headers?.get('retry-after')).toBe('7')
  })

  test.each([
    { key: keys.unknown, model: 'sim', calls: 1 },
    { key: keys.good, model: 'sim-fault-content-filter', calls: 1 },
    { key: keys.good, model: 'sim-fault-overloaded', calls: 2 },
  ])('a client with retries asks $calls times for $model', async ({ key, model, calls }) => {
    const counted = vi.fn(fetch)
    const patient = new Anthropic({
      apiKey: key,
      baseURL: stage.url,
      maxRetries: 1,
      fetch: counted,
      logLevel: 'off',
    })
    await apiErrorOf(patient.messages.create(ask(model)))
    expect(counted).toHaveBeenCalledTimes(calls)
  })

  test('a key answers until its limit is used up, and is a PaymentRequiredError from then on', async () => {
    const poor = clientOf(stage, keys.poor)
    expect(read(await poor.messages.stream(ask('sim')).finalMessage())).toEqual(expected.sim)
    expect(await apiErrorOf(poor.messages.create(ask('sim')))).toBeInstanceOf(Anthropic.PaymentRequiredError)
  })

  test.each([
    { model: 'sim-fault-error-first-event', status: 529 },
    { model: 'sim-fault-empty-stream', status: 502 },
    { model: 'sim-fault-only-end', status: 502 },
  ])('$model is an error of the request, not of the stream', async ({ model, status }) => {
    const error = await apiErrorOf(client.messages.create({ ...ask(model), stream: true }))
    expect(error).toBeInstanceOf(Anthropic.InternalServerError)
    expect(error.status).toBe(status)
  })

  test('an address that does not exist is a NotFoundError, with the words of the dialect', async () => {
    const error = await apiErrorOf(client.post('/v1/messages/batches', { body: {} }))
    expect(error).toBeInstanceOf(Anthropic.NotFoundError)
    expect(error.error).toMatchObject({ type: 'error' })
  })

  test('a signature that the upstream did not issue is the 400 that it makes of it', async () => {
    const content = [{ type: 'thinking' as const, thinking: thought, signature: 'Zm9yZ2Vk' }]
    const error = await apiErrorOf(
      client.messages.create({
        ...ask('sim'),
        messages: [...messages, { role: 'assistant', content }, { role: 'user', content: 'So?' }],
      }),
    )
    expect(error).toBeInstanceOf(Anthropic.BadRequestError)
  })
})

describe('errors amid a stream', () => {
  test.each(breaking)('%s raises after the text that came', async model => {
    const stream = await client.messages.create({ ...ask(model), stream: true })
    let text = ''
    const reading = async () => {
      for await (const event of stream) {
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
          text += event.delta.text
      }
    }
    const error = await apiErrorOf(reading())
    expect(sentence.startsWith(text) && text.length > 0).toBe(true)
    expect(text).not.toBe(sentence)
    expect(error.type).toBe(model.includes('hang') ? 'timeout_error' : 'api_error')
    expect(error.requestID).toMatch(requestId)
    expect(error.error).toMatchObject({ type: 'error', request_id: error.requestID })
  })

  test('a block that is open when the upstream breaks off is closed before the error', async () => {
    const response = await client.messages
      .create({ ...ask('sim-fault-cut-after-8'), stream: true })
      .asResponse()
    const names = [...(await response.text()).matchAll(/^event: (\w+)/gm)].map(([, name]) => name)
    expect(names.slice(-2)).toEqual(['content_block_stop', 'error'])
  })

  test('the stream helper raises too', async () => {
    await apiErrorOf(client.messages.stream(ask('sim-fault-cut-after-8')).finalMessage())
  })

  test('a call that is cut within its arguments is not made whole', async () => {
    const seen: RawMessageStreamEvent[] = []
    const stream = await client.messages.create({ ...ask('sim-tools-fault-cut-after-6'), stream: true })
    const reading = async () => {
      for await (const event of stream) seen.push(event)
    }
    await apiErrorOf(reading())
    expect(seen.some(event => event.type === 'message_delta')).toBe(false)
    const json = seen
      .map(event =>
        event.type === 'content_block_delta' && event.delta.type === 'input_json_delta'
          ? event.delta.partial_json
          : '',
      )
      .join('')
    expect(JSON.stringify(city(1)).startsWith(json)).toBe(true)
  })
})
