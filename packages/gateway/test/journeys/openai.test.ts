import OpenAI from 'openai'
import type { ChatCompletionChunk, ChatCompletionMessage } from 'openai/resources/chat/completions'
import type { ResponseStreamEvent } from 'openai/resources/responses/responses'
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
const refusals = {
  'sim-fault-context-too-long': 'context-too-long',
  'sim-fault-content-filter': 'content-filter',
} as const
const faulty = [
  ...['400', '401', '403', '404', '408', '409', '413', '422', '429', '500', '502', '503', '504'].map(
    status => `sim-fault-status-${status}`,
  ),
  'sim-fault-rate-limited-7',
  'sim-fault-overloaded',
  'sim-fault-quota-gone',
  'sim-fault-key-revoked',
  'sim-fault-model-missing',
  'sim-fault-region-blocked',
  'sim-fault-reset-before-headers',
  'sim-fault-close-before-headers',
  'sim-fault-garbage-body',
  'sim-fault-html-502',
  'sim-fault-hang-before-headers',
  'sim-fault-error-first-event',
  'sim-fault-empty-stream',
  'sim-fault-error-in-200',
]
/** Faults behind the first content: of Responses that is the fifth event. */
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
let client: OpenAI
beforeAll(async () => {
  stage = await startStage({
    models: [
      ...contents,
      ...contents.flatMap(content => cuttings.map(cutting => `${content}-${cutting}`)),
      ...faulty,
      ...Object.keys(refusals),
      ...breaking,
      ...['sim-choices', 'sim-length', 'sim-filter', 'sim-refusal', 'sim-logprobs', 'sim-echo', 'sim-embedding'],
      ...['sim-fault-missing-usage', 'omni-moderation-latest'],
    ],
  })
  client = clientWith(keys.good)
})
afterAll(() => stage.close())

function clientWith(apiKey: string): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${stage.url}/v1`, maxRetries: 0, logLevel: 'off' })
}

const messages = [{ role: 'user' as const, content: 'Hi' }]
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const tools = ['weather', 'news'].map(name => ({ type: 'function' as const, function: { name, parameters } }))
const responseTools = ['weather', 'news'].map(name => ({ type: 'function' as const, name, parameters, strict: false }))
const isToolModel = (model: string) => model.includes('tools')

/** What an answer says, without ids and times. */
interface Said {
  text: string
  reasoning: string
  readonly calls: { name: string; arguments: string }[]
  finish: string | null
}

function saidBy(message: ChatCompletionMessage | undefined, finish: string | null): Said {
  return {
    text: message?.content ?? '',
    reasoning: reasoningOf(message),
    calls: (message?.tool_calls ?? []).flatMap(call =>
      call.type === 'function' ? [{ name: call.function.name, arguments: call.function.arguments }] : [],
    ),
    finish,
  }
}

function reasoningOf(message: object | undefined): string {
  const value: unknown = message === undefined ? undefined : Reflect.get(message, 'reasoning_content')
  return typeof value === 'string' ? value : ''
}

async function fold(chunks: AsyncIterable<ChatCompletionChunk>): Promise<Said> {
  const said: Said = { text: '', reasoning: '', calls: [], finish: null }
  for await (const { choices } of chunks) {
    const [choice] = choices
    if (choice === undefined) continue
    said.text += choice.delta.content ?? ''
    said.reasoning += reasoningOf(choice.delta)
    for (const { index, function: piece } of choice.delta.tool_calls ?? []) {
      const call = (said.calls[index] ??= { name: '', arguments: '' })
      call.name += piece?.name ?? ''
      call.arguments += piece?.arguments ?? ''
    }
    said.finish ??= choice.finish_reason
  }
  return said
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Anything but an SDK's error fails the test that asks. */
async function errorOf(asked: PromiseLike<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const error = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof OpenAI.APIError) return error
  throw new Error(`no APIError came, but ${String(error)}`)
}

async function askWhole(model: string): Promise<Said> {
  const { choices } = await client.chat.completions.create({
    model,
    messages,
    ...(isToolModel(model) && { tools }),
  })
  return saidBy(choices[0]?.message, choices[0]?.finish_reason ?? null)
}

async function askStreamed(model: string): Promise<Said> {
  return fold(
    await client.chat.completions.create({
      model,
      messages,
      stream: true,
      ...(isToolModel(model) && { tools }),
    }),
  )
}

const cities = (index: number) => JSON.stringify({ city: sample(index) })
const expected: Readonly<Record<(typeof contents)[number], Said>> = {
  sim: { text: sentence, reasoning: '', calls: [], finish: 'stop' },
  'sim-cached': { text: sentence, reasoning: '', calls: [], finish: 'stop' },
  'sim-tools': {
    text: '',
    reasoning: '',
    calls: [{ name: 'weather', arguments: cities(1) }],
    finish: 'tool_calls',
  },
  'sim-paralleltools': {
    text: '',
    reasoning: '',
    calls: [
      { name: 'weather', arguments: cities(1) },
      { name: 'news', arguments: cities(2) },
    ],
    finish: 'tool_calls',
  },
  'sim-reasoning': { text: sentence, reasoning: thought, calls: [], finish: 'stop' },
  'sim-unicode': { text: oddSentence, reasoning: '', calls: [], finish: 'stop' },
}

describe('chat completions', () => {
  test.each(contents)('%s says the same whole and streamed', async model => {
    expect(await askWhole(model)).toEqual(expected[model])
    expect(await askStreamed(model)).toEqual(expected[model])
  })

  test.each(contents.flatMap(content => cuttings.map(cutting => ({ content, model: `${content}-${cutting}` }))))(
    '$model, cut by the upstream, accumulates to the whole answer',
    async ({ content, model }) => {
      expect(await askStreamed(model)).toEqual(expected[content])
      expect(await askWhole(model)).toEqual(expected[content])
    },
  )

  test('the stream helper builds the completion with its tools and its usage', async () => {
    const stream = client.chat.completions.stream({
      model: 'sim-paralleltools',
      messages,
      tools,
      stream_options: { include_usage: true },
    })
    const completion = await stream.finalChatCompletion()
    expect(saidBy(completion.choices[0]?.message, completion.choices[0]?.finish_reason ?? null)).toEqual(
      expected['sim-paralleltools'],
    )
    expect(completion.usage?.total_tokens).toBeGreaterThan(0)
  })

  test('usage comes in one last chunk when it is asked for, and equals that of the whole answer', async () => {
    const whole = await client.chat.completions.create({ model: 'sim-cached', messages })
    const chunks = await collect(
      await client.chat.completions.create({
        model: 'sim-cached',
        messages,
        stream: true,
        stream_options: { include_usage: true },
      }),
    )
    expect(whole.usage?.prompt_tokens_details?.cached_tokens).toBe(1024)
    expect(chunks.filter(chunk => chunk.usage)).toHaveLength(1)
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage })
    expect(chunks.slice(0, -1).every(chunk => chunk.usage === null)).toBe(true)
  })

  test.each([{ options: undefined }, { options: {} }, { options: { include_usage: false } }])(
    'no usage leaks into a stream that has not asked for it: stream_options $options',
    async ({ options }) => {
      const chunks = await collect(
        await client.chat.completions.create({
          model: 'sim',
          messages,
          stream: true,
          ...(options && { stream_options: options }),
        }),
      )
      expect(chunks.length).toBeGreaterThan(5)
      expect(chunks.filter(chunk => chunk.choices.length === 0)).toEqual([])
      expect(chunks.filter(chunk => chunk.usage)).toEqual([])
    },
  )

  test('every choice comes', async () => {
    const whole = await client.chat.completions.create({ model: 'sim', messages, n: 3 })
    expect(whole.choices.map(choice => choice.message.content)).toEqual([
      sentence,
      `${sentence} [choice 1]`,
      `${sentence} [choice 2]`,
    ])
    const texts = ['', '', '']
    const finishes: (string | null)[] = []
    const stream = await client.chat.completions.create({ model: 'sim', messages, n: 3, stream: true })
    for await (const { choices } of stream) {
      for (const { index, delta, finish_reason: finish } of choices) {
        texts[index] += delta.content ?? ''
        if (finish !== null) finishes.push(finish)
      }
    }
    expect(texts).toEqual(whole.choices.map(choice => choice.message.content))
    expect(finishes).toEqual(['stop', 'stop', 'stop'])
  })

  test.each([
    { model: 'sim-length', finish: 'length' },
    { model: 'sim-filter', finish: 'content_filter' },
    { model: 'sim-refusal', finish: 'stop' },
    { model: 'sim-fault-missing-usage', finish: 'stop' },
  ])('$model finishes with $finish', async ({ model, finish }) => {
    expect((await askWhole(model)).finish).toBe(finish)
    expect((await askStreamed(model)).finish).toBe(finish)
  })

  test('log probabilities and refusals come through', async () => {
    const probable = await client.chat.completions.create({ model: 'sim-logprobs', messages, logprobs: true })
    expect(probable.choices[0]?.logprobs?.content).toHaveLength(10)
    const refused = await client.chat.completions.create({ model: 'sim-refusal', messages })
    expect(refused.choices[0]?.message.refusal).toBe("I'm sorry, but I can't help with that.")
  })

  test('a conversation with tool results reaches the upstream as it was sent', async () => {
    const answer = await client.chat.completions.create({
      model: 'sim-tools',
      tools,
      messages: [
        ...messages,
        {
          role: 'assistant',
          tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: cities(1) } }],
        },
        { role: 'tool', tool_call_id: 'call_1', content: '☀️ 30°' },
      ],
    })
    expect(answer.choices[0]?.message.content).toBe(sentence)
  })

  test('a text of 200 kB with every kind of character comes back as it went', async () => {
    const text = oddSentence.repeat(2_000)
    const stream = await client.chat.completions.create({
      model: 'sim-echo',
      messages: [{ role: 'user', content: text }],
      stream: true,
    })
    expect((await fold(stream)).text).toBe(text)
  })

  test('where one upstream refuses another one answers, and the client sees nothing of it', async () => {
    stage.simulator.clear()
    expect(await askWhole(rescued)).toEqual(expected.sim)
    expect(await askStreamed(rescued)).toEqual(expected.sim)
    expect(stage.simulator.requests).toHaveLength(4)
  })
})

describe('other endpoints', () => {
  test('legacy completions, whole and streamed, without usage that was not asked for', async () => {
    const whole = await client.completions.create({ model: 'sim', prompt: 'Hi' })
    expect(whole.choices[0]?.text).toBe(sentence)
    expect(whole.usage?.completion_tokens).toBe(10)
    const chunks = await collect(await client.completions.create({ model: 'sim', prompt: 'Hi', stream: true }))
    expect(chunks.map(chunk => chunk.choices[0]?.text ?? '').join('')).toBe(sentence)
    expect(chunks.filter(chunk => chunk.usage || chunk.choices.length === 0)).toEqual([])
    const asked = await collect(
      await client.completions.create({
        model: 'my-model',
        prompt: 'Hi',
        stream: true,
        stream_options: { include_usage: true },
      }),
    )
    expect(asked.at(-1)?.usage?.completion_tokens).toBe(10)
    expect(new Set(asked.map(chunk => chunk.model))).toEqual(new Set(['my-model']))
  })

  test.each(['float', 'base64'] as const)('embeddings as %s', async encoding_format => {
    const { data, usage, model } = await client.embeddings.create({
      model: 'my-model',
      input: ['a', 'b', '😀'],
      encoding_format,
      ...(encoding_format === 'float' && { dimensions: 8 }),
    })
    expect(model).toBe('my-model')
    expect(usage.prompt_tokens).toBeGreaterThan(0)
    expect(data.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(new Set(data.map(({ embedding }) => embedding.length)).size).toBe(1)
  })

  test('embeddings without a word on their encoding are decoded by the client', async () => {
    const { data } = await client.embeddings.create({ model: 'sim-embedding', input: 'a' })
    expect(data[0]?.embedding).toHaveLength(16)
    expect(data[0]?.embedding.every(Number.isFinite)).toBe(true)
  })

  test('moderations with and without a model', async () => {
    const named = await client.moderations.create({ model: 'sim', input: 'such violence' })
    expect(named.results[0]?.flagged).toBe(true)
    const plain = await client.moderations.create({ input: ['good', 'such violence'] })
    expect(plain.results.map(({ flagged }) => flagged)).toEqual([false, true])
  })

  test('the list of models holds what the key may use, once, and each can be looked up', async () => {
    const names = (await collect(client.models.list())).map(({ id }) => id)
    expect(names).toEqual(expect.arrayContaining(['sim', 'my-model', troubled.deadKey]))
    expect(new Set(names).size).toBe(names.length)
    expect(names).not.toContain('some-other-model')
    expect(await client.models.retrieve('my-model')).toMatchObject({ id: 'my-model', object: 'model' })
    expect(await collect(clientWith(keys.narrow).models.list())).toEqual([])
    expect((await collect(clientWith(keys.poor).models.list())).map(({ id }) => id)).toEqual(['sim'])
  })

  test('a model that is not to be seen is a NotFoundError of its lookup', async () => {
    for (const [key, name] of [[keys.good, 'nothing-of-ours'], [keys.narrow, 'sim']] as const) {
      const error = await errorOf(clientWith(key).models.retrieve(name))
      expect(error).toBeInstanceOf(OpenAI.NotFoundError)
      expect(error).toMatchObject({ code: 'model_not_found', param: 'model', requestID: expect.stringMatching(requestId) })
    }
  })
})

/** Types of the events, a run of equal deltas as one. */
function shapeOf(events: readonly ResponseStreamEvent[]): string[] {
  return events.map(({ type }) => type).filter((type, index, all) => all[index - 1] !== type)
}

const textPart = ['response.content_part.added', 'response.output_text.delta', 'response.output_text.done', 'response.content_part.done']
const callPart = ['response.function_call_arguments.delta', 'response.function_call_arguments.done']
const item = (...inner: string[]) => ['response.output_item.added', ...inner, 'response.output_item.done']

describe('responses', () => {
  const ask = (model: string) => ({ model, input: 'Hi', ...(isToolModel(model) && { tools: responseTools }) })

  test.each(contents)('%s says the same whole and streamed', async model => {
    const whole = await client.responses.create(ask(model))
    expect(whole.output_text).toBe(expected[model].text)
    const calls = whole.output.flatMap(output => output.type === 'function_call' ? [{ name: output.name, arguments: output.arguments }] : [])
    expect(calls).toEqual(expected[model].calls)
    const streamed = await client.responses.stream(ask(model)).finalResponse()
    expect(streamed.output_text).toBe(whole.output_text)
    expect(streamed.usage).toEqual(whole.usage)
    expect(streamed.output.map(({ type }) => type)).toEqual(whole.output.map(({ type }) => type))
  })

  test.each(contents.flatMap(content => cuttings.map(cutting => ({ content, model: `${content}-${cutting}` }))))(
    '$model, cut by the upstream, has the events and the end of the uncut stream',
    async ({ content, model }) => {
      const events = await collect(await client.responses.create({ ...ask(model), stream: true }))
      expect(shapeOf(events)).toEqual(shapeOf(await collect(await client.responses.create({ ...ask(content), stream: true }))))
      expect(events.map(event => event.sequence_number)).toEqual(events.map((_event, index) => index))
      const text = events.map(event => (event.type === 'response.output_text.delta' ? event.delta : '')).join('')
      expect(text).toBe(expected[content].text)
    },
  )

  test.each([
    { model: 'sim', shape: item(...textPart) },
    { model: 'sim-tools', shape: item(...callPart) },
  ])('every event of $model comes, in order', async ({ model, shape }) => {
    const events = await collect(await client.responses.create({ ...ask(model), stream: true }))
    expect(shapeOf(events)).toEqual(['response.created', 'response.in_progress', ...shape, 'response.completed'])
  })

  test('the client reads its own name of the model in the answer and in every event', async () => {
    expect((await client.responses.create(ask('my-thinker'))).model).toBe('my-thinker')
    const events = await collect(await client.responses.create({ ...ask('my-thinker'), stream: true }))
    const models = events.flatMap(event => ('response' in event ? [event.response.model] : []))
    expect(models.length).toBeGreaterThanOrEqual(3)
    expect(new Set(models)).toEqual(new Set(['my-thinker']))
  })

  test('an incomplete response says so, whole and streamed', async () => {
    const whole = await client.responses.create(ask('sim-length'))
    expect(whole).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
    const events = await collect(await client.responses.create({ ...ask('sim-length'), stream: true }))
    expect(events.at(-1)).toMatchObject({ type: 'response.incomplete', response: { usage: whole.usage } })
  })

  test('a former response that is not known is a BadRequestError', async () => {
    const error = await errorOf(client.responses.create({ ...ask('sim'), previous_response_id: 'resp_missing' }))
    expect(error).toBeInstanceOf(OpenAI.BadRequestError)
    expect(error.code).toBe('previous_response_not_found')
  })

  test.each(breaking.filter(model => !model.includes('error-after')))('%s ends in response.failed', async model => {
    const events = await collect(await client.responses.create({ ...ask(model), stream: true }))
    expect(events.map(event => event.sequence_number)).toEqual(events.map((_event, index) => index))
    expect(events.at(-1)).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'server_error', message: expect.any(String) } },
    })
    const told = events.at(-1)
    expect(told?.type === 'response.failed' && told.response.model).toBe(model)
  })

  test('an upstream that fails amid the answer ends in response.failed too', async () => {
    const events = await collect(await client.responses.create({ ...ask('sim-fault-error-after-8'), stream: true }))
    expect(events.at(-1)).toMatchObject({ type: 'response.failed', response: { status: 'failed' } })
  })

  test('a broken response keeps the items that were begun, as incomplete ones', async () => {
    const events = await collect(await client.responses.create({ ...ask('sim-fault-cut-after-8'), stream: true }))
    const text = events.map(event => (event.type === 'response.output_text.delta' ? event.delta : '')).join('')
    expect(text).not.toBe('')
    expect(events.at(-1)).toMatchObject({
      type: 'response.failed',
      response: { output: [{ type: 'message', status: 'incomplete', content: [{ type: 'output_text', text }] }] },
    })
  })
})

describe('model mapping', () => {
  test.each(Object.entries(mapped))('%s is asked as %s and answers under its own name', async (name, upstream) => {
    stage.simulator.clear()
    const whole = await client.chat.completions.create({ model: name, messages, ...(name === 'my-caller' && { tools }) })
    expect(whole.model).toBe(name)
    const stream = await client.chat.completions.create({ model: name, messages, stream: true, stream_options: { include_usage: true } })
    const chunks = await collect(stream)
    expect(new Set(chunks.map(chunk => chunk.model))).toEqual(new Set([name]))
    expect(chunks.at(-1)?.usage?.total_tokens).toBeGreaterThan(0)
    const asked = stage.simulator.requests.map(({ body }) => JSON.parse(body).model)
    expect(asked).toEqual([upstream, upstream])
  })
})

describe('request ids', () => {
  test('whole, streamed, listed and refused answers all have one, and no two the same', async () => {
    const ids = [
      (await client.chat.completions.create({ model: 'sim', messages }).withResponse()).request_id,
      (await client.chat.completions.create({ model: 'sim', messages, stream: true }).withResponse()).request_id,
      (await client.responses.create({ model: 'sim', input: 'Hi' }).withResponse()).request_id,
      (await client.embeddings.create({ model: 'sim', input: 'Hi' }).withResponse()).request_id,
      (await client.models.list().withResponse()).request_id,
      (await errorOf(clientWith(keys.unknown).models.list())).requestID,
      (await errorOf(client.post('/nowhere', { body: {} }))).requestID,
    ]
    for (const id of ids) expect(id).toMatch(requestId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('an id that the client or the upstream made up is not taken over', async () => {
    const { response } = await client.chat.completions
      .create({ model: 'sim', messages }, { headers: { 'x-request-id': 'mine' } })
      .withResponse()
    expect(response.headers.get('x-request-id')).toMatch(requestId)
    expect([...response.headers.keys()].sort()).toEqual(
      expect.not.arrayContaining(['openai-processing-ms', 'x-ratelimit-limit-requests', 'openai-organization']),
    )
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
  readonly code: string | null
}

const invalid = 'invalid_request_error'
const away = { raises: OpenAI.InternalServerError, type: 'server_error' } as const
const errors: readonly ErrorCase[] = [
  { says: 'an unknown key', key: keys.unknown, raises: OpenAI.AuthenticationError, status: 401, type: invalid, code: 'invalid_api_key' },
  { says: 'a disabled key', key: keys.disabled, raises: OpenAI.AuthenticationError, status: 401, type: invalid, code: 'invalid_api_key' },
  { says: 'an expired key', key: keys.expired, raises: OpenAI.AuthenticationError, status: 401, type: invalid, code: 'invalid_api_key' },
  { says: 'a key for other models', key: keys.narrow, raises: OpenAI.PermissionDeniedError, status: 403, type: invalid, code: 'permission_denied' },
  { says: 'a key for other addresses', key: keys.elsewhere, raises: OpenAI.PermissionDeniedError, status: 403, type: invalid, code: 'permission_denied' },
  { says: 'a key whose limit is used up', key: keys.spent, raises: OpenAI.APIError, status: 402, type: 'insufficient_quota', code: 'insufficient_quota' },
  { says: 'an unknown model', model: 'nothing-of-ours', raises: OpenAI.NotFoundError, status: 404, type: invalid, code: 'model_not_found' },
  { says: 'a model that is a number', body: { model: 5 }, raises: OpenAI.BadRequestError, status: 400, type: invalid, code: 'invalid_value' },
  { says: 'no model', body: { model: undefined }, raises: OpenAI.BadRequestError, status: 400, type: invalid, code: 'invalid_value' },
  { says: 'a stream that is a text', body: { stream: 'yes' }, raises: OpenAI.BadRequestError, status: 400, type: invalid, code: 'invalid_value' },
  { says: 'an oversized body', body: { padding: 'x'.repeat(bodyBytesMax) }, raises: OpenAI.APIError, status: 413, type: invalid, code: 'request_too_large' },
  { says: 'a prompt that is too long', model: 'sim-fault-context-too-long', raises: OpenAI.BadRequestError, status: 400, type: invalid, code: 'context_length_exceeded' },
  { says: 'a filtered prompt', model: 'sim-fault-content-filter', raises: OpenAI.BadRequestError, status: 400, type: invalid, code: 'content_policy_violation' },
  { says: 'what the upstream finds invalid', body: { temperature: 9 }, raises: OpenAI.BadRequestError, status: 400, type: invalid, code: 'decimal_out_of_range' },
  { says: 'a 409 of the upstream', model: 'sim-fault-status-409', raises: OpenAI.ConflictError, status: 409, type: invalid, code: 'conflict' },
  { says: 'a 413 of the upstream', model: 'sim-fault-status-413', raises: OpenAI.APIError, status: 413, type: invalid, code: 'request_too_large' },
  { says: 'a 422 of the upstream', model: 'sim-fault-status-422', raises: OpenAI.UnprocessableEntityError, status: 422, type: invalid, code: 'unprocessable_entity' },
  { says: 'a 429 of the upstream', model: 'sim-fault-status-429', raises: OpenAI.RateLimitError, status: 429, type: 'requests', code: 'rate_limit_exceeded' },
  { says: 'a limited key of ours', model: troubled.limitedKey, raises: OpenAI.RateLimitError, status: 429, type: 'requests', code: 'rate_limit_exceeded' },
  { says: 'an overloaded upstream', model: 'sim-fault-overloaded', ...away, status: 503, code: 'overloaded' },
  { says: 'a 503 of the upstream', model: 'sim-fault-status-503', ...away, status: 503, code: 'overloaded' },
  { says: 'only disabled channels', model: troubled.disabled, ...away, status: 503, code: 'upstream_unavailable' },
  { says: 'a dead key of ours', model: troubled.deadKey, ...away, status: 503, code: 'upstream_unavailable' },
  { says: 'a broke key of ours', model: troubled.brokeKey, ...away, status: 503, code: 'upstream_unavailable' },
  { says: 'a 401 of the upstream', model: 'sim-fault-status-401', ...away, status: 503, code: 'upstream_unavailable' },
  { says: 'a 403 of the upstream', model: 'sim-fault-status-403', ...away, status: 503, code: 'upstream_unavailable' },
  { says: 'a revoked key of ours', model: 'sim-fault-key-revoked', ...away, status: 503, code: 'upstream_unavailable' },
  { says: 'used up money of ours', model: 'sim-fault-quota-gone', ...away, status: 503, code: 'upstream_unavailable' },
  { says: 'a model that the upstream lost', model: 'sim-fault-model-missing', ...away, status: 503, code: 'upstream_unavailable' },
  { says: 'a blocked region', model: 'sim-fault-region-blocked', ...away, status: 503, code: 'upstream_unavailable' },
  { says: 'nobody at the address', model: troubled.nobody, ...away, status: 502, code: 'upstream_error' },
  { says: 'a 500 of the upstream', model: 'sim-fault-status-500', ...away, status: 502, code: 'upstream_error' },
  { says: 'a 502 of the upstream', model: 'sim-fault-status-502', ...away, status: 502, code: 'upstream_error' },
  { says: 'a page instead of an answer', model: 'sim-fault-html-502', ...away, status: 502, code: 'upstream_error' },
  { says: 'no answer but a reset', model: 'sim-fault-reset-before-headers', ...away, status: 502, code: 'upstream_error' },
  { says: 'no answer but a close', model: 'sim-fault-close-before-headers', ...away, status: 502, code: 'upstream_error' },
  { says: 'an answer of garbage', model: 'sim-fault-garbage-body', ...away, status: 502, code: 'upstream_error' },
  { says: 'an error in a 200', model: 'sim-fault-error-in-200', ...away, status: 503, code: 'overloaded' },
  { says: 'a 408 of the upstream', model: 'sim-fault-status-408', ...away, status: 504, code: 'upstream_timeout' },
  { says: 'a 504 of the upstream', model: 'sim-fault-status-504', ...away, status: 504, code: 'upstream_timeout' },
  { says: 'a silent upstream', model: 'sim-fault-hang-before-headers', ...away, status: 504, code: 'upstream_timeout' },
]

/** Asks one case on each endpoint, whole and streamed, and gives what was raised. */
function provoke({ key = keys.good, model = 'sim', body = {} }: ErrorCase) {
  const asker = clientWith(key)
  const post = (path: string, more: object) => errorOf(asker.post(path, { body: { model, ...more, ...body } }))
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

  test.each(['{', '', '[]', '"x"', '{"model":"sim"} {}', '{"model":"sim","model":"sim"}', '{"MODEL":"sim"}', '{"model":"\u0000"}'])(
    'the body %j is a 400 with the words of one',
    async body => {
      const response = await fetch(`${stage.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${keys.good}`, 'content-type': 'application/json' },
        body,
      })
      expect(response.status).toBe(400)
      expect(response.headers.get('x-request-id')).toMatch(requestId)
      expect(await response.json()).toMatchObject({ error: { type: invalid, code: 'invalid_value', message: expect.any(String) } })
    },
  )

  test('an upstream that says when to come back is passed on as seconds and as milliseconds', async () => {
    const error = await errorOf(client.chat.completions.create({ model: 'sim-fault-rate-limited-7', messages }))
    expect(error.headers?.get('retry-after')).toBe('7')
    expect(error.headers?.get('retry-after-ms')).toBe('7000')
  })

  test.each([
    { key: keys.unknown, model: 'sim', calls: 1 },
    { key: keys.good, model: 'sim-fault-content-filter', calls: 1 },
    { key: keys.good, model: troubled.disabled, calls: 2 },
  ])('a client with retries asks $calls times for $model', async ({ key, model, calls }) => {
    const counted = vi.fn(fetch)
    const patient = new OpenAI({ apiKey: key, baseURL: `${stage.url}/v1`, maxRetries: 1, fetch: counted, logLevel: 'off' })
    await errorOf(patient.chat.completions.create({ model, messages }))
    expect(counted).toHaveBeenCalledTimes(calls)
  })

  test('a key answers until its limit is used up, and is a 402 from then on', async () => {
    const poor = clientWith(keys.poor)
    expect((await poor.chat.completions.create({ model: 'sim', messages })).model).toBe('sim')
    const error = await errorOf(poor.chat.completions.create({ model: 'sim', messages }))
    expect(error).toMatchObject({ status: 402, code: 'insufficient_quota' })
  })

  test.each([
    { model: 'sim-fault-error-first-event', status: 503 },
    { model: 'sim-fault-empty-stream', status: 502 },
  ])('$model is an error of the request, not of the stream', async ({ model, status }) => {
    const error = await errorOf(client.chat.completions.create({ model, messages, stream: true }))
    expect(error).toBeInstanceOf(OpenAI.InternalServerError)
    expect(error.status).toBe(status)
  })

  test('an address that does not exist is a NotFoundError, with the words of the dialect', async () => {
    const error = await errorOf(client.post('/chat/nonsense', { body: { model: 'sim' } }))
    expect(error).toBeInstanceOf(OpenAI.NotFoundError)
    expect(error.type).toBe(invalid)
  })
})

describe('errors amid a stream', () => {
  const codes = [['hang', 'upstream_timeout'], ['error-after', 'overloaded']] as const
  test.each(breaking)('%s raises after the text that came', async model => {
    const stream = await client.chat.completions.create({ model, messages, stream: true })
    let text = ''
    const reading = async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    }
    const error = await errorOf(reading())
    expect(sentence.startsWith(text) && text.length > 0).toBe(true)
    expect(text).not.toBe(sentence)
    expect(error).toMatchObject({ type: 'server_error', requestID: expect.stringMatching(requestId) })
    expect(error.code).toBe(codes.find(([fault]) => model.includes(fault))?.[1] ?? 'upstream_error')
  })

  test('the stream helper raises too', async () => {
    const stream = client.chat.completions.stream({ model: 'sim-fault-cut-after-8', messages })
    await errorOf(stream.finalChatCompletion())
  })
})
