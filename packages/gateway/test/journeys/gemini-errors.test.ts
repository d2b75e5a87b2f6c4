import type { GoogleGenAI } from '@google/genai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiErrorOf, ask, clientOf, post } from './gemini-client.ts'
import {
  bodyBytesMax,
  breaking,
  collect,
  fault,
  keys,
  requestId,
  type Stage,
  sentence,
  startStage,
  troubled,
} from './stage.ts'

let stage: Stage
let client: GoogleGenAI
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
  readonly status: number
  readonly word: string
}

const invalid = { status: 400, word: 'INVALID_ARGUMENT' }
const refused = { status: 401, word: 'UNAUTHENTICATED' }
const forbidden = { status: 403, word: 'PERMISSION_DENIED' }
const limited = { status: 429, word: 'RESOURCE_EXHAUSTED' }
const unavailable = { status: 503, word: 'UNAVAILABLE' }
const failed = { status: 500, word: 'INTERNAL' }
const late = { status: 504, word: 'DEADLINE_EXCEEDED' }
const errors: readonly ErrorCase[] = [
  { says: 'an unknown key', key: keys.unknown, ...refused },
  { says: 'a disabled key', key: keys.disabled, ...refused },
  { says: 'an expired key', key: keys.expired, ...refused },
  { says: 'a key for other models', key: keys.narrow, ...forbidden },
  { says: 'a key for other addresses', key: keys.elsewhere, ...forbidden },
  { says: 'a key whose limit is used up', key: keys.spent, status: 402, word: 'RESOURCE_EXHAUSTED' },
  { says: 'an unknown model', model: 'nothing-of-ours', status: 404, word: 'NOT_FOUND' },
  { says: 'another model in the body', body: { model: 'models/sim-tools' }, ...invalid },
  { says: 'what the upstream finds invalid', body: { nonsense: 1 }, ...invalid },
  {
    says: 'an oversized body',
    body: { padding: 'x'.repeat(bodyBytesMax) },
    status: 413,
    word: 'INVALID_ARGUMENT',
  },
  { says: 'a 400 of the upstream', model: 'sim-fault-status-400', ...invalid },
  { says: 'a prompt that is too long', model: 'sim-fault-context-too-long', ...invalid },
  { says: 'a 413 of the upstream', model: 'sim-fault-status-413', status: 413, word: 'INVALID_ARGUMENT' },
  { says: 'a 429 of the upstream', model: 'sim-fault-status-429', ...limited },
  { says: 'a limited key of ours', model: troubled.limitedKey, ...limited },
  { says: 'an overloaded upstream', model: 'sim-fault-overloaded', ...unavailable },
  { says: 'an overload in a 200', model: 'sim-fault-error-in-200', ...unavailable },
  { says: 'only disabled channels', model: troubled.disabled, ...unavailable },
  { says: 'a dead key of ours', model: troubled.deadKey, ...unavailable },
  { says: 'a broke key of ours', model: troubled.brokeKey, ...unavailable },
  { says: 'a 401 of the upstream', model: 'sim-fault-status-401', ...unavailable },
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
  ...['error-first-event', 'empty-stream', 'only-end', 'rate-limited-7', 'content-filter'].map(fault),
]

describe('errors before an answer', () => {
  test.each(errors)(
    '$says is an ApiError of its status, $status $word',
    async ({ key = keys.good, model = 'sim', body = {}, status, word }) => {
      const asker = clientOf(stage, key)
      const asked = { model, contents: 'Hi', config: { httpOptions: { extraBody: { ...body } } } }
      const raised = [
        await apiErrorOf(asker.models.generateContent(asked)),
        await apiErrorOf(asker.models.generateContentStream(asked)),
      ]
      for (const error of raised) {
        expect(error.status).toBe(status)
        expect(JSON.parse(error.message)).toMatchObject({
          error: { code: status, status: word, message: expect.any(String) },
        })
        expect(error.message).not.toMatch(/upstream-key|dead-key|127\.0\.0\.1:|gemini-good/)
      }
      const array = await post(stage, {
        key,
        model,
        method: 'streamGenerateContent',
        body: { contents: [{ parts: [{ text: 'Hi' }] }], ...body },
      })
      expect(array.status).toBe(status)
      expect(array.headers.get('content-type')).toMatch(/^application\/json/)
      expect(array.headers.get('x-request-id')).toMatch(requestId)
    },
  )

  test('a blocked prompt is an answer without candidates, which says why', async () => {
    const whole = await client.models.generateContent(ask('sim-fault-content-filter'))
    expect(whole.candidates).toBeUndefined()
    expect(whole.promptFeedback?.blockReason).toBeDefined()
    const chunks = await collect(await client.models.generateContentStream(ask('sim-fault-content-filter')))
    expect(chunks.map(({ promptFeedback }) => promptFeedback?.blockReason)).toEqual([
      whole.promptFeedback?.blockReason,
    ])
  })

  test('an upstream that says when to come back is passed on in the header and in the details', async () => {
    const response = await post(stage, { model: 'sim-fault-rate-limited-7', method: 'generateContent' })
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('7')
    expect(await response.json()).toMatchObject({
      error: { details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' }] },
    })
  })

  test.each([
    '{',
    '',
    '[]',
    '{} {}',
    '{"contents":[],"tools":[],"tools":[]}',
    '{"generation_config":{"maxOutputTokens":1,"max_output_tokens":2}}',
  ])('the body %j is a 400 with the words of one', async body => {
    const response = await post(stage, { model: 'sim', method: 'generateContent', body })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 400, status: 'INVALID_ARGUMENT' } })
  })

  test('a key answers until its limit is used up, and is a 402 from then on', async () => {
    const poor = clientOf(stage, keys.poor)
    expect((await poor.models.generateContent(ask('sim'))).text).toBe(sentence)
    expect((await apiErrorOf(poor.models.generateContent(ask('sim')))).status).toBe(402)
  })

  test.each([
    { model: 'sim-fault-error-first-event', status: 503 },
    { model: 'sim-fault-empty-stream', status: 500 },
    { model: 'sim-fault-only-end', status: 500 },
  ])('$model is an error of the request, not of the stream', async ({ model, status }) => {
    expect((await apiErrorOf(client.models.generateContentStream(ask(model)))).status).toBe(status)
  })

  test('an address that does not exist is a 404 with the words of the dialect', async () => {
    const response = await post(stage, { model: 'sim', method: 'nonsense' })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({
      error: { code: 404, message: expect.any(String), status: 'NOT_FOUND' },
    })
  })
})

describe('errors amid a stream', () => {
  test.each(breaking)('%s raises after the text that came', async model => {
    const stream = await client.models.generateContentStream(ask(model))
    let text = ''
    const reading = async () => {
      for await (const chunk of stream) text += chunk.text ?? ''
    }
    const error = await apiErrorOf(reading())
    expect(sentence.startsWith(text) && text.length > 0).toBe(true)
    expect(text).not.toBe(sentence)
    expect(error.status).toBe(model.includes('hang') ? 504 : 500)
  })
})
