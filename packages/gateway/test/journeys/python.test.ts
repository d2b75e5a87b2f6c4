import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ask, type Outcome, prepareMsMax, preparePython, runScript, type Sdk } from './python/prepare.ts'
import {
  keys,
  oddSentence,
  requestId,
  type Stage,
  sample,
  sentence,
  startStage,
  thought,
  troubled,
} from './stage.ts'

/** One row: what a script is asked, and what has to come of it. */
interface Row extends Partial<Ask> {
  readonly action: string
  readonly gives: Outcome
}

const contents = ['sim', 'sim-tools', 'sim-paralleltools', 'sim-reasoning', 'sim-unicode']
const cuttings = ['bytes1', 'bytes2', 'bytes3', 'bytes7', 'lf-bytes1', 'crlf', 'crlf-bytes1', 'cr-bytes1']
const models = contents.flatMap(content => [content, ...cuttings.map(cutting => `${content}-${cutting}`)])
const id = expect.stringMatching(requestId)
const words = expect.stringMatching(/\S/)

const textOf = (model: string) =>
  model.includes('tools') ? '' : model.includes('unicode') ? oddSentence : sentence
const namesOf = (model: string) =>
  model.includes('parallel') ? ['weather', 'news'] : model.includes('tools') ? ['weather'] : []
const city = (index: number) => ({ city: sample(index + 1) })

/** Whole, streamed and asynchronously streamed, every model says the same. */
function answers(shape: (model: string) => object): Row[] {
  return models.flatMap(model =>
    ['whole', 'streamed', 'async'].map(action => ({
      action,
      model,
      gives: { result: expect.objectContaining(shape(model)) },
    })),
  )
}

/** A failing ask, and the class of the exception, its status and its words. */
interface Failing extends Partial<Ask> {
  readonly action?: string
  readonly raises: readonly string[]
  readonly status: number | null
  readonly more: object
}

function failures(actions: readonly string[], list: readonly Failing[]): Row[] {
  return list.flatMap(({ raises, status, more, action, ...ask }) =>
    (action === undefined ? actions : [action]).map(each => ({
      ...ask,
      action: each,
      gives: {
        error: expect.objectContaining({
          classes: expect.arrayContaining([...raises]),
          status,
          message: words,
          ...more,
        }),
      },
    })),
  )
}

const fault = (name: string) => `sim-fault-${name}`

const openaiInvalid = (code: string | null) => ({ type: 'invalid_request_error', code, requestId: id })
const openaiServer = (code: string) => ({ type: 'server_error', code, requestId: id })
const openaiRows: readonly Row[] = [
  ...answers(model => ({
    text: textOf(model),
    calls: namesOf(model).map((name, index) => ({ name, arguments: JSON.stringify(city(index)) })),
    finish: model.includes('tools') ? 'tool_calls' : 'stop',
  })),
  {
    action: 'whole',
    model: 'my-model',
    gives: { result: expect.objectContaining({ model: 'my-model', requestId: id }) },
  },
  {
    action: 'streamed',
    model: 'my-model',
    gives: { result: expect.objectContaining({ models: ['my-model'], usage: null }) },
  },
  {
    action: 'streamed',
    usage: true,
    gives: { result: expect.objectContaining({ usage: expect.any(Number) }) },
  },
  {
    action: 'responses',
    model: 'my-model',
    gives: { result: { text: sentence, status: 'completed', model: 'my-model', requestId: id } },
  },
  ...['sim-reasoning', 'sim-unicode-bytes1', 'sim-unicode-crlf-bytes1'].map(model => ({
    action: 'responses-streamed',
    model,
    gives: { result: { text: textOf(model), status: 'completed', model, last: 'response.completed' } },
  })),
  {
    action: 'responses-events',
    model: fault('cut-after-8'),
    gives: { result: { last: 'response.failed', code: 'server_error' } },
  },
  { action: 'embeddings', gives: { result: { lengths: [16, 16], model: 'sim' } } },
  {
    action: 'others',
    gives: { result: { legacy: sentence, flagged: true, listed: true, retrieved: 'sim' } },
  },
  ...failures(
    ['whole', 'streamed', 'responses', 'responses-streamed'],
    [
      {
        key: keys.unknown,
        raises: ['AuthenticationError'],
        status: 401,
        more: openaiInvalid('invalid_api_key'),
      },
      {
        key: keys.disabled,
        raises: ['AuthenticationError'],
        status: 401,
        more: openaiInvalid('invalid_api_key'),
      },
      {
        key: keys.expired,
        raises: ['AuthenticationError'],
        status: 401,
        more: openaiInvalid('invalid_api_key'),
      },
      {
        key: keys.narrow,
        raises: ['PermissionDeniedError'],
        status: 403,
        more: openaiInvalid('permission_denied'),
      },
      {
        key: keys.spent,
        raises: ['APIStatusError'],
        status: 402,
        more: { type: 'insufficient_quota', code: 'insufficient_quota' },
      },
      {
        model: 'nothing-of-ours',
        raises: ['NotFoundError'],
        status: 404,
        more: openaiInvalid('model_not_found'),
      },
      {
        model: fault('context-too-long'),
        raises: ['BadRequestError'],
        status: 400,
        more: openaiInvalid('context_length_exceeded'),
      },
      {
        model: fault('content-filter'),
        raises: ['BadRequestError'],
        status: 400,
        more: openaiInvalid('content_policy_violation'),
      },
      { model: fault('status-409'), raises: ['ConflictError'], status: 409, more: openaiInvalid('conflict') },
      {
        model: fault('status-422'),
        raises: ['UnprocessableEntityError'],
        status: 422,
        more: openaiInvalid('unprocessable_entity'),
      },
      {
        model: fault('status-429'),
        raises: ['RateLimitError'],
        status: 429,
        more: { type: 'requests', code: 'rate_limit_exceeded' },
      },
      {
        model: fault('overloaded'),
        raises: ['InternalServerError'],
        status: 503,
        more: openaiServer('overloaded'),
      },
      {
        model: troubled.deadKey,
        raises: ['InternalServerError'],
        status: 503,
        more: openaiServer('upstream_unavailable'),
      },
      {
        model: fault('status-500'),
        raises: ['InternalServerError'],
        status: 502,
        more: openaiServer('upstream_error'),
      },
      {
        model: fault('reset-before-headers'),
        raises: ['InternalServerError'],
        status: 502,
        more: openaiServer('upstream_error'),
      },
      {
        model: fault('status-504'),
        raises: ['InternalServerError'],
        status: 504,
        more: openaiServer('upstream_timeout'),
      },
      {
        action: 'oversized',
        raises: ['APIStatusError'],
        status: 413,
        more: openaiInvalid('request_too_large'),
      },
      {
        action: 'retrieve',
        model: 'nothing-of-ours',
        raises: ['NotFoundError'],
        status: 404,
        more: openaiInvalid('model_not_found'),
      },
    ],
  ),
  ...failures(
    ['streamed', 'async'],
    [
      ...['error-after-5', 'cut-after-5', 'reset-mid-stream-5', 'end-in-event-5'].map(name => ({
        model: fault(name),
        raises: ['APIError'],
        status: null,
        more: { type: 'server_error', code: 'upstream_error' },
      })),
      {
        model: fault('hang-mid-stream-5'),
        raises: ['APIError'],
        status: null,
        more: { type: 'server_error', code: 'upstream_timeout' },
      },
    ],
  ),
]

const told = (type: string) => ({ type, requestId: id })
const anthropicRows: readonly Row[] = [
  ...answers(model => ({
    text: textOf(model),
    thinking: model.includes('reasoning') ? thought : '',
    calls: namesOf(model).map((name, index) => ({ name, input: city(index) })),
    stop: model.includes('tools') ? 'tool_use' : 'end_turn',
    model,
  })),
  ...['whole', 'streamed'].map(action => ({
    action,
    model: 'my-model',
    gives: { result: expect.objectContaining({ model: 'my-model', requestId: id }) },
  })),
  { action: 'events', gives: { result: { first: 'message_start', last: 'message_stop' } } },
  ...['bearer', 'x-api-key'].map(action => ({
    action,
    gives: { result: expect.objectContaining({ text: sentence }) },
  })),
  { action: 'others', gives: { result: { counted: expect.any(Number), listed: true, retrieved: 'sim' } } },
  ...failures(
    ['whole', 'streamed'],
    [
      { key: keys.unknown, raises: ['AuthenticationError'], status: 401, more: told('authentication_error') },
      {
        key: keys.disabled,
        raises: ['AuthenticationError'],
        status: 401,
        more: told('authentication_error'),
      },
      { key: keys.expired, raises: ['AuthenticationError'], status: 401, more: told('authentication_error') },
      { key: keys.narrow, raises: ['PermissionDeniedError'], status: 403, more: told('permission_error') },
      { key: keys.spent, raises: ['PaymentRequiredError'], status: 402, more: told('billing_error') },
      { model: 'nothing-of-ours', raises: ['NotFoundError'], status: 404, more: told('not_found_error') },
      {
        model: fault('context-too-long'),
        raises: ['BadRequestError'],
        status: 400,
        more: told('invalid_request_error'),
      },
      {
        model: fault('content-filter'),
        raises: ['BadRequestError'],
        status: 400,
        more: told('invalid_request_error'),
      },
      {
        model: fault('status-409'),
        raises: ['ConflictError'],
        status: 409,
        more: told('invalid_request_error'),
      },
      {
        model: fault('status-422'),
        raises: ['UnprocessableEntityError'],
        status: 422,
        more: told('invalid_request_error'),
      },
      { model: fault('status-429'), raises: ['RateLimitError'], status: 429, more: told('rate_limit_error') },
      {
        model: fault('overloaded'),
        raises: ['OverloadedError'],
        status: 529,
        more: told('overloaded_error'),
      },
      { model: troubled.deadKey, raises: ['ServiceUnavailableError'], status: 503, more: told('api_error') },
      { model: fault('status-500'), raises: ['InternalServerError'], status: 502, more: told('api_error') },
      {
        model: fault('reset-before-headers'),
        raises: ['InternalServerError'],
        status: 502,
        more: told('api_error'),
      },
      {
        model: fault('status-504'),
        raises: ['GatewayTimeoutError'],
        status: 504,
        more: told('timeout_error'),
      },
      { action: 'oversized', raises: ['APIStatusError'], status: 413, more: told('request_too_large') },
      {
        action: 'retrieve',
        model: 'nothing-of-ours',
        raises: ['NotFoundError'],
        status: 404,
        more: told('not_found_error'),
      },
    ],
  ),
  ...failures(
    ['streamed', 'events', 'async'],
    [
      ...['error-after-8', 'cut-after-8', 'reset-mid-stream-8', 'end-in-event-8'].map(name => ({
        model: fault(name),
        raises: ['APIStatusError'],
        status: 200,
        more: told('api_error'),
      })),
      {
        model: fault('hang-mid-stream-8'),
        raises: ['APIStatusError'],
        status: 200,
        more: told('timeout_error'),
      },
    ],
  ),
]

const googleRows: readonly Row[] = [
  ...answers(model => ({
    text: textOf(model),
    thoughts: model.includes('reasoning') ? thought : '',
    calls: namesOf(model).map((name, index) => ({ name, args: city(index) })),
    finish: 'STOP',
    model,
    usage: expect.any(Number),
  })),
  {
    action: 'whole',
    model: 'my-model',
    gives: { result: expect.objectContaining({ model: 'my-model', requestId: id }) },
  },
  {
    action: 'streamed',
    model: 'my-model',
    gives: { result: expect.objectContaining({ model: 'my-model' }) },
  },
  {
    action: 'others',
    gives: { result: { counted: 4, lengths: [16, 16], listed: true, retrieved: 'models/sim' } },
  },
  ...failures(
    ['whole', 'streamed', 'async'],
    [
      { key: keys.unknown, raises: ['ClientError'], status: 401, more: { type: 'UNAUTHENTICATED' } },
      { key: keys.disabled, raises: ['ClientError'], status: 401, more: { type: 'UNAUTHENTICATED' } },
      { key: keys.expired, raises: ['ClientError'], status: 401, more: { type: 'UNAUTHENTICATED' } },
      { key: keys.narrow, raises: ['ClientError'], status: 403, more: { type: 'PERMISSION_DENIED' } },
      { key: keys.spent, raises: ['ClientError'], status: 402, more: { type: 'RESOURCE_EXHAUSTED' } },
      { model: 'nothing-of-ours', raises: ['ClientError'], status: 404, more: { type: 'NOT_FOUND' } },
      {
        model: fault('context-too-long'),
        raises: ['ClientError'],
        status: 400,
        more: { type: 'INVALID_ARGUMENT' },
      },
      {
        model: fault('status-400'),
        raises: ['ClientError'],
        status: 400,
        more: { type: 'INVALID_ARGUMENT' },
      },
      {
        model: fault('status-429'),
        raises: ['ClientError'],
        status: 429,
        more: { type: 'RESOURCE_EXHAUSTED' },
      },
      { model: fault('overloaded'), raises: ['ServerError'], status: 503, more: { type: 'UNAVAILABLE' } },
      { model: troubled.deadKey, raises: ['ServerError'], status: 503, more: { type: 'UNAVAILABLE' } },
      { model: fault('status-500'), raises: ['ServerError'], status: 500, more: { type: 'INTERNAL' } },
      {
        model: fault('reset-before-headers'),
        raises: ['ServerError'],
        status: 500,
        more: { type: 'INTERNAL' },
      },
      {
        model: fault('status-504'),
        raises: ['ServerError'],
        status: 504,
        more: { type: 'DEADLINE_EXCEEDED' },
      },
      { action: 'oversized', raises: ['ClientError'], status: 413, more: { type: 'INVALID_ARGUMENT' } },
      {
        action: 'retrieve',
        model: 'nothing-of-ours',
        raises: ['ClientError'],
        status: 404,
        more: { type: 'NOT_FOUND' },
      },
    ],
  ),
  ...failures(
    ['streamed', 'async'],
    [
      ...['error-after-5', 'cut-after-5', 'reset-mid-stream-5', 'end-in-event-5'].map(name => ({
        model: fault(name),
        raises: ['ServerError'],
        status: 500,
        more: { type: 'INTERNAL' },
      })),
      {
        model: fault('hang-mid-stream-5'),
        raises: ['ServerError'],
        status: 504,
        more: { type: 'DEADLINE_EXCEEDED' },
      },
    ],
  ),
]

const rows = { openai: openaiRows, anthropic: anthropicRows, google: googleRows } satisfies Record<
  Sdk,
  readonly Row[]
>
const faults = Object.values(rows)
  .flat()
  .flatMap(({ model }) => (model?.startsWith('sim-fault') ? [model] : []))

let stage: Stage
let python: string
beforeAll(async () => {
  python = await preparePython()
  stage = await startStage({ models: [...new Set([...models, ...faults, 'omni-moderation-latest'])] })
}, prepareMsMax)
afterAll(() => stage?.close())

describe.each(['openai', 'anthropic', 'google'] as const)('the %s client for Python', sdk => {
  const asked = rows[sdk].map(row => {
    const { action, model = 'sim', key = keys.good, usage, gives } = row
    const keyName = Object.entries(keys).find(([, secret]) => secret === key)?.[0]
    return {
      ask: { action, model, key, ...(usage && { usage }) },
      gives,
      says: `${action} of ${model} with a ${keyName} key`,
    }
  })
  let outcomes: ReadonlyMap<object, Outcome>
  beforeAll(async () => {
    const came = await runScript(
      { python, sdk, url: stage.url },
      asked.map(({ ask }) => ask),
    )
    outcomes = new Map(asked.map(({ ask }, index) => [ask, came[index] ?? {}]))
  })

  test.each(asked)('$says', ({ ask, gives }) => {
    expect(outcomes.get(ask)).toEqual(gives)
  })
})
