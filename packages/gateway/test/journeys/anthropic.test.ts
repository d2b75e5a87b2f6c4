import Anthropic from '@anthropic-ai/sdk'
import type { ContentBlock, Message, MessageParam, RawMessageStreamEvent } from '@anthropic-ai/sdk/resources/messages'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  bodyBytesMax,
  keys,
  mapped,
  oddSentence,
  requestId,
  rescued,
  type Stage,
  sample,
  sentence,
  startStage,
  thought,
  troubled,
} from './stage.ts'

const contents = ['sim', 'sim-tools', 'sim-paralleltools', 'sim-reasoning', 'sim-unicode', 'sim-cached'] as const
const cuttings = ['bytes1', 'bytes2', 'bytes3', 'bytes5', 'bytes7', 'bytes64', 'crlf', 'crlf-bytes1', 'cr-bytes1']
const faulty = [
  ...['400', '401', '402', '403', '404', '408', '409', '413', '422', '429', '500', '502', '503', '504', '529'].map(
    status => `sim-fault-status-${status}`,
  ),
  ...['rate-limited-7', 'overloaded', 'quota-gone', 'key-revoked', 'model-missing', 'region-blocked'].map(name => `sim-fault-${name}`),
  ...['context-too-long', 'content-filter', 'reset-before-headers', 'close-before-headers'].map(name => `sim-fault-${name}`),
  ...['garbage-body', 'html-502', 'hang-before-headers', 'error-first-event', 'empty-stream', 'error-in-200'].map(name => `sim-fault-${name}`),
]
/** Faults behind the first content, which is the third or fourth event. */
const breaking = [
  'error-after',
  'cut-after',
  'cut-in-event',
  'reset-mid-stream',
  'end-after',
  'end-in-event',
  'garbage-event',
  'hang-mid-stream',
].map(fault => `sim-fault-${fault}-8`)

let stage: Stage
let client: Anthropic
beforeAll(async () => {
  stage = await startStage({
    models: [
      ...contents,
      ...contents.flatMap(content => cuttings.map(cutting => `${content}-${cutting}`)),
      ...faulty,
      ...breaking,
      ...['sim-length', 'sim-filter', 'sim-refusal', 'sim-stopped', 'sim-echo', 'sim-images', 'sim-fault-ping-flood-3'],
      ...['sim-fault-unknown-events', 'sim-fault-missing-usage', 'sim-tools-fault-cut-after-6'],
    ],
  })
  client = clientWith(keys.good)
})
afterAll(() => stage.close())

function clientWith(apiKey: string): Anthropic {
  return new Anthropic({ apiKey, baseURL: stage.url, maxRetries: 0, logLevel: 'off' })
}

const messages = [{ role: 'user' as const, content: 'Hi' }]
const input_schema = { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] }
const tools = ['weather', 'news'].map(name => ({ name, input_schema }))
const ask = (model: string) => ({ model, max_tokens: 1_000, messages, ...(model.includes('tools') && { tools }) })

/** What the blocks of an answer say, without ids and signatures. */
function saidBy(blocks: readonly ContentBlock[]): unknown[] {
  return blocks.map(block => {
    if (block.type === 'text') return block.text
    if (block.type === 'thinking') return { thinking: block.thinking, isSigned: block.signature !== '' }
    return block.type === 'tool_use' ? { [block.name]: block.input } : block.type
  })
}

const city = (index: number) => ({ city: sample(index) })
const expected: Readonly<Record<(typeof contents)[number], { readonly says: unknown[]; readonly stop: string }>> = {
  sim: { says: [sentence], stop: 'end_turn' },
  'sim-cached': { says: [sentence], stop: 'end_turn' },
  'sim-unicode': { says: [oddSentence], stop: 'end_turn' },
  'sim-tools': { says: [{ weather: city(1) }], stop: 'tool_use' },
  'sim-paralleltools': { says: [{ weather: city(1) }, { news: city(2) }], stop: 'tool_use' },
  'sim-reasoning': { says: [{ thinking: thought, isSigned: true }, sentence], stop: 'end_turn' },
}

function read({ content, stop_reason: stop }: Message) {
  return { says: saidBy(content), stop }
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Anything but an SDK's error fails the test that asks. */
async function errorOf(asked: PromiseLike<unknown>): Promise<InstanceType<typeof Anthropic.APIError>> {
  const error = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof Anthropic.APIError) return error
  throw new Error(`no APIError came, but ${String(error)}`)
}

describe('messages', () => {
  test.each(contents)('%s says the same whole and streamed, with the same usage', async model => {
    const whole = await client.messages.create(ask(model))
    expect(read(whole)).toEqual(expected[model])
    const streamed = await client.messages.stream(ask(model)).finalMessage()
    expect(read(streamed)).toEqual(expected[model])
    expect(streamed.usage).toMatchObject({
      input_tokens: whole.usage.input_tokens,
      output_tokens: whole.usage.output_tokens,
      cache_read_input_tokens: whole.usage.cache_read_input_tokens,
      cache_creation_input_tokens: whole.usage.cache_creation_input_tokens,
    })
  })

  test.each(contents.flatMap(content => cuttings.map(cutting => ({ content, model: `${content}-${cutting}` }))))(
    '$model, cut by the upstream, accumulates to the whole answer',
    async ({ content, model }) => {
      expect(read(await client.messages.stream(ask(model)).finalMessage())).toEqual(expected[content])
      expect(read(await client.messages.create(ask(model)))).toEqual(expected[content])
    },
  )

  test('the events come in the order of the dialect, one block open at a time', async () => {
    const events = await collect(await client.messages.create({ ...ask('sim-reasoning'), stream: true }))
    const block = (index: number, ...deltas: string[]) => [`start ${index}`, ...deltas, `stop ${index}`]
    expect(shapeOf(events)).toEqual([
      'message_start',
      ...block(0, 'thinking_delta', 'signature_delta'),
      ...block(1, 'text_delta'),
      'message_delta',
      'message_stop',
    ])
  })

  test.each([
    { model: 'sim-length', stop: 'max_tokens' },
    { model: 'sim-refusal', stop: 'refusal' },
    { model: 'sim-filter', stop: 'refusal' },
    { model: 'sim-fault-ping-flood-3', stop: 'end_turn' },
    { model: 'sim-fault-unknown-events', stop: 'end_turn' },
    { model: 'sim-fault-missing-usage', stop: 'end_turn' },
  ])('$model stops with $stop', async ({ model, stop }) => {
    expect((await client.messages.create(ask(model))).stop_reason).toBe(stop)
    const events = await collect(await client.messages.create({ ...ask(model), stream: true }))
    const reasons = events.flatMap(event => (event.type === 'message_delta' ? [event.delta.stop_reason] : []))
    expect(reasons).toEqual([stop])
    expect(events.at(-1)?.type).toBe('message_stop')
  })

  test('a stop sequence is named', async () => {
    const asked = { ...ask('sim-stopped'), stop_sequences: ['END'] }
    const whole = await client.messages.create(asked)
    expect(whole).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'END' })
    expect(await client.messages.stream(asked).finalMessage()).toMatchObject({ stop_sequence: 'END' })
  })

  test('thinking and tools of a former answer go back as they came, and the upstream takes them', async () => {
    const first = await client.messages.stream({ ...ask('sim-reasoning-bytes3'), thinking: { type: 'enabled', budget_tokens: 1_024 }, max_tokens: 2_000 }).finalMessage()
    const history: MessageParam[] = [
      ...messages,
      { role: 'assistant', content: first.content },
      { role: 'user', content: [{ type: 'text', text: 'And now?' }] },
    ]
    const next = await client.messages.create({ ...ask('sim-reasoning'), messages: history })
    expect(read(next)).toEqual(expected['sim-reasoning'])
    const called = await client.messages.create(ask('sim-tools'))
    const results = called.content.flatMap(block =>
      block.type === 'tool_use' ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: '☀️' }] : [],
    )
    const answered = await client.messages.create({
      ...ask('sim-tools'),
      messages: [...messages, { role: 'assistant', content: called.content }, { role: 'user', content: results }],
    })
    expect(read(answered)).toEqual(expected.sim)
  })

  test('an image reaches the upstream whole', async () => {
    const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
    const image = { type: 'image' as const, source: { type: 'base64' as const, media_type: 'image/png' as const, data: pixel } }
    const asked = { ...ask('sim-images'), messages: [{ role: 'user' as const, content: [image] }] }
    expect(saidBy((await client.messages.create(asked)).content)[0]).toContain('I see 1 image: ')
  })

  test('a text of 200 kB with every kind of character comes back as it went', async () => {
    const text = oddSentence.repeat(2_000)
    const asked = { ...ask('sim-echo'), max_tokens: 64_000, messages: [{ role: 'user' as const, content: text }] }
    expect(await client.messages.stream(asked).finalText()).toBe(text)
  })

  test('the key is taken as x-api-key and as a bearer token', async () => {
    const bearer = new Anthropic({ authToken: keys.good, apiKey: null, baseURL: stage.url, maxRetries: 0 })
    expect(read(await bearer.messages.create(ask('sim')))).toEqual(expected.sim)
    expect(read(await bearer.messages.stream(ask('sim')).finalMessage())).toEqual(expected.sim)
    const wrong = new Anthropic({ authToken: keys.unknown, apiKey: null, baseURL: stage.url, maxRetries: 0 })
    expect(await errorOf(wrong.messages.create(ask('sim')))).toBeInstanceOf(Anthropic.AuthenticationError)
  })

  test('where one upstream refuses another one answers, and the client sees nothing of it', async () => {
    expect(read(await client.messages.create(ask(rescued)))).toEqual(expected.sim)
    expect(read(await client.messages.stream(ask(rescued)).finalMessage())).toEqual(expected.sim)
  })

  test('the beta resource works, and its header and query reach the upstream', async () => {
    stage.simulator.clear()
    const answer = await client.beta.messages.create({ ...ask('sim'), betas: ['context-1m-2025-08-07'] })
    expect(answer.content[0]).toMatchObject({ type: 'text', text: sentence })
    const [seen] = stage.simulator.requests
    expect(seen?.headers['anthropic-beta']).toContain('context-1m-2025-08-07')
    expect(seen?.url).toContain('beta=true')
  })
})

function shapeOf(events: readonly RawMessageStreamEvent[]): string[] {
  const names = events.map(event => {
    if (event.type === 'content_block_start') return `start ${event.index}`
    if (event.type === 'content_block_stop') return `stop ${event.index}`
    return event.type === 'content_block_delta' ? event.delta.type : event.type
  })
  return names.filter((name, index) => names[index - 1] !== name)
}

describe('other endpoints', () => {
  test('tokens are counted as they are billed', async () => {
    const { input_tokens: counted } = await client.messages.countTokens({ model: 'sim-tools', messages, tools })
    expect((await client.messages.create(ask('sim-tools'))).usage.input_tokens).toBe(counted)
    expect((await client.messages.countTokens({ model: 'my-model', messages })).input_tokens).toBeGreaterThan(0)
  })

  test('the list of models holds what the key may use, once, and each can be looked up', async () => {
    const models = await collect(client.models.list())
    const names = models.map(({ id }) => id)
    expect(names).toEqual(expect.arrayContaining(['sim', 'my-model']))
    expect(new Set(names).size).toBe(names.length)
    expect(models.every(({ type, created_at: at }) => type === 'model' && !Number.isNaN(Date.parse(at)))).toBe(true)
    expect(await client.models.retrieve('my-model')).toMatchObject({ id: 'my-model', type: 'model' })
  })

  test('a key that may see no model gets an empty list', async () => {
    const page = await clientWith(keys.narrow).models.list()
    expect(page).toMatchObject({ data: [], first_id: null, last_id: null, has_more: false })
  })

  test('a page of the list has the length that was asked for', async () => {
    const page = await client.models.list({ limit: 2 })
    expect(page.data).toHaveLength(2)
    expect(page.has_more).toBe(true)
    const names = (await collect(client.models.list({ limit: 50 }))).map(({ id }) => id)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toEqual((await collect(client.models.list())).map(({ id }) => id))
  })

  test('a model that is not to be seen is a NotFoundError of its lookup', async () => {
    const error = await errorOf(client.models.retrieve('nothing-of-ours'))
    expect(error).toBeInstanceOf(Anthropic.NotFoundError)
    expect(error).toMatchObject({ type: 'not_found_error', requestID: expect.stringMatching(requestId) })
  })
})

describe('model mapping', () => {
  test.each(Object.entries(mapped))('%s is asked as %s and answers under its own name', async (name, upstream) => {
    stage.simulator.clear()
    expect((await client.messages.create(ask(name))).model).toBe(name)
    const events = await collect(await client.messages.create({ ...ask(name), stream: true }))
    expect(events.flatMap(event => (event.type === 'message_start' ? [event.message.model] : []))).toEqual([name])
    await client.messages.countTokens({ model: name, messages })
    expect(stage.simulator.requests.map(({ body }) => JSON.parse(body).model)).toEqual([upstream, upstream, upstream])
  })
})

describe('request ids', () => {
  test('whole, streamed, counted, listed and refused answers all have one, and no two the same', async () => {
    const ids = [
      (await client.messages.create(ask('sim')).withResponse()).request_id,
      (await client.messages.create({ ...ask('sim'), stream: true }).withResponse()).request_id,
      (await client.messages.countTokens({ model: 'sim', messages }).withResponse()).request_id,
      (await client.models.list().withResponse()).request_id,
      (await errorOf(clientWith(keys.unknown).messages.create(ask('sim')))).requestID,
      (await errorOf(client.post('/v1/messages/nowhere', { body: {} }))).requestID,
    ]
    for (const id of ids) expect(id).toMatch(requestId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('both headers have it, and the body of an error repeats it', async () => {
    const { headers, error } = await errorOf(client.messages.create(ask('nothing-of-ours')))
    expect(headers?.get('request-id')).toBe(headers?.get('x-request-id'))
    expect(error).toMatchObject({ type: 'error', request_id: headers?.get('request-id') })
  })
})

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
  { says: 'a key whose limit is used up', key: keys.spent, raises: Anthropic.PaymentRequiredError, status: 402, type: 'billing_error' },
  { says: 'an unknown model', model: 'nothing-of-ours', raises: Anthropic.NotFoundError, status: 404, type: 'not_found_error' },
  { says: 'a model that is a number', body: { model: 5 }, ...invalid },
  { says: 'no model', body: { model: undefined }, ...invalid },
  { says: 'a limit that is a text', body: { max_tokens: 'many' }, ...invalid },
  { says: 'what the upstream finds invalid', body: { nonsense: 1 }, ...invalid },
  { says: 'a 400 of the upstream', model: 'sim-fault-status-400', ...invalid },
  { says: 'an oversized body', body: { padding: 'x'.repeat(bodyBytesMax) }, raises: Anthropic.ContentTooLargeError, status: 413, type: 'request_too_large' },
  { says: 'a prompt that is too long', model: 'sim-fault-context-too-long', ...invalid },
  { says: 'a filtered prompt', model: 'sim-fault-content-filter', ...invalid },
  { says: 'a 409 of the upstream', model: 'sim-fault-status-409', raises: Anthropic.ConflictError, status: 409, type: 'invalid_request_error' },
  { says: 'a 413 of the upstream', model: 'sim-fault-status-413', raises: Anthropic.ContentTooLargeError, status: 413, type: 'request_too_large' },
  { says: 'a 422 of the upstream', model: 'sim-fault-status-422', raises: Anthropic.UnprocessableEntityError, status: 422, type: 'invalid_request_error' },
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

/** Asks one case whole and streamed, and gives what was raised. */
function provoke({ key = keys.good, model = 'sim', body = {} }: ErrorCase) {
  const asker = clientWith(key)
  const headers = { 'anthropic-version': '2023-06-01' }
  const post = (more: object) => errorOf(asker.post('/v1/messages', { headers, body: { ...ask(model), ...more, ...body } }))
  return Promise.all([post({}), post({ stream: true })])
}

describe('errors before an answer', () => {
  test.each(errors)('$says raises the class of its status, $status $type', async row => {
    for (const error of await provoke(row)) {
      expect(error).toBeInstanceOf(row.raises)
      expect(error).toMatchObject({ status: row.status, type: row.type, requestID: expect.stringMatching(requestId) })
      expect(error.error).toMatchObject({ type: 'error', error: { type: row.type, message: expect.any(String) } })
      expect(error.headers?.get('content-type')).toMatch(/^application\/json/)
      expect(error.message).not.toMatch(/upstream-key|dead-key|127\.0\.0\.1:|anthropic-good/)
    }
  })

  test('a prompt that is too long says so in the words that clients look for', async () => {
    const error = await errorOf(client.messages.create(ask('sim-fault-context-too-long')))
    expect(error.apiMessage).toMatch(/^prompt is too long: \d+ tokens > \d+ maximum/)
  })

  test('an upstream that says when to come back is passed on', async () => {
    const error = await errorOf(client.messages.create(ask('sim-fault-rate-limited-7')))
    expect(error.headers?.get('retry-after')).toBe('7')
  })

  test.each([
    { key: keys.unknown, model: 'sim', calls: 1 },
    { key: keys.good, model: 'sim-fault-content-filter', calls: 1 },
    { key: keys.good, model: 'sim-fault-overloaded', calls: 2 },
  ])('a client with retries asks $calls times for $model', async ({ key, model, calls }) => {
    const counted = vi.fn(fetch)
    const patient = new Anthropic({ apiKey: key, baseURL: stage.url, maxRetries: 1, fetch: counted, logLevel: 'off' })
    await errorOf(patient.messages.create(ask(model)))
    expect(counted).toHaveBeenCalledTimes(calls)
  })

  test('a key answers until its limit is used up, and is a PaymentRequiredError from then on', async () => {
    const poor = clientWith(keys.poor)
    expect(read(await poor.messages.stream(ask('sim')).finalMessage())).toEqual(expected.sim)
    expect(await errorOf(poor.messages.create(ask('sim')))).toBeInstanceOf(Anthropic.PaymentRequiredError)
  })

  test.each([
    { model: 'sim-fault-error-first-event', status: 529 },
    { model: 'sim-fault-empty-stream', status: 502 },
  ])('$model is an error of the request, not of the stream', async ({ model, status }) => {
    const error = await errorOf(client.messages.create({ ...ask(model), stream: true }))
    expect(error).toBeInstanceOf(Anthropic.InternalServerError)
    expect(error.status).toBe(status)
  })

  test('an address that does not exist is a NotFoundError, with the words of the dialect', async () => {
    const error = await errorOf(client.post('/v1/messages/batches', { body: {} }))
    expect(error).toBeInstanceOf(Anthropic.NotFoundError)
    expect(error.error).toMatchObject({ type: 'error' })
  })

  test('a signature that the upstream did not issue is the 400 that it makes of it', async () => {
    const content = [{ type: 'thinking' as const, thinking, signature: 'Zm9yZ2Vk' }]
    const error = await errorOf(
      client.messages.create({ ...ask('sim'), messages: [...messages, { role: 'assistant', content }, { role: 'user', content: 'So?' }] }),
    )
    expect(error).toBeInstanceOf(Anthropic.BadRequestError)
  })
})

const thinking = thought

describe('errors amid a stream', () => {
  test.each(breaking)('%s raises after the text that came', async model => {
    const stream = await client.messages.create({ ...ask(model), stream: true })
    let text = ''
    const reading = async () => {
      for await (const event of stream) {
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text
      }
    }
    const error = await errorOf(reading())
    expect(sentence.startsWith(text) && text.length > 0).toBe(true)
    expect(text).not.toBe(sentence)
    expect(error.type).toBe(model.includes('hang') ? 'timeout_error' : 'api_error')
    expect(error.requestID).toMatch(requestId)
    expect(error.error).toMatchObject({ type: 'error', request_id: error.requestID })
  })

  test('a block that is open when the upstream breaks off is closed before the error', async () => {
    const response = await client.messages.create({ ...ask('sim-fault-cut-after-8'), stream: true }).asResponse()
    const names = [...(await response.text()).matchAll(/^event: (\w+)/gm)].map(([, name]) => name)
    expect(names.slice(-2)).toEqual(['content_block_stop', 'error'])
  })

  test('the stream helper raises too', async () => {
    await errorOf(client.messages.stream(ask('sim-fault-cut-after-8')).finalMessage())
  })

  test('a call that is cut within its arguments is not made whole', async () => {
    const seen: RawMessageStreamEvent[] = []
    const stream = await client.messages.create({ ...ask('sim-tools-fault-cut-after-6'), stream: true })
    const reading = async () => {
      for await (const event of stream) seen.push(event)
    }
    await errorOf(reading())
    expect(seen.some(event => event.type === 'message_delta')).toBe(false)
    const json = seen.map(event => (event.type === 'content_block_delta' && event.delta.type === 'input_json_delta' ? event.delta.partial_json : '')).join('')
    expect(JSON.stringify(city(1)).startsWith(json)).toBe(true)
  })
})
