import Anthropic from '@anthropic-ai/sdk'
import type { MessageParam, RawMessageStreamEvent } from '@anthropic-ai/sdk/resources/messages'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiErrorOf, ask, clientOf, expected, messages, read, saidBy, tools } from './anthropic-client.ts'
import {
  collect,
  contents,
  cutModels,
  keys,
  mapped,
  oddSentence,
  requestId,
  rescued,
  type Stage,
  sentence,
  startStage,
} from './stage.ts'

const others = [
  'length',
  'filter',
  'refusal',
  'stopped',
  'echo',
  'images',
  'fault-ping-flood-3',
  'fault-unknown-events',
  'fault-missing-usage',
].map(word => `sim-${word}`)

let stage: Stage
let client: Anthropic
beforeAll(async () => {
  stage = await startStage({ models: [...contents, ...cutModels.map(({ model }) => model), ...others] })
  client = clientOf(stage, keys.good)
})
afterAll(() => stage.close())

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

  test.each(cutModels)(
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
    const first = await client.messages
      .stream({
        ...ask('sim-reasoning-bytes3'),
        thinking: { type: 'enabled', budget_tokens: 1_024 },
        max_tokens: 2_000,
      })
      .finalMessage()
    const history: MessageParam[] = [
      ...messages,
      { role: 'assistant', content: first.content },
      { role: 'user', content: [{ type: 'text', text: 'And now?' }] },
    ]
    const next = await client.messages.create({ ...ask('sim-reasoning'), messages: history })
    expect(read(next)).toEqual(expected['sim-reasoning'])
    const called = await client.messages.create(ask('sim-tools'))
    const results = called.content.flatMap(block =>
      block.type === 'tool_use'
        ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: '☀️' }]
        : [],
    )
    const answered = await client.messages.create({
      ...ask('sim-tools'),
      messages: [
        ...messages,
        { role: 'assistant', content: called.content },
        { role: 'user', content: results },
      ],
    })
    expect(read(answered)).toEqual(expected.sim)
  })

  test('an image reaches the upstream whole', async () => {
    const pixel =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
    const image = {
      type: 'image' as const,
      source: { type: 'base64' as const, media_type: 'image/png' as const, data: pixel },
    }
    const asked = { ...ask('sim-images'), messages: [{ role: 'user' as const, content: [image] }] }
    expect(saidBy((await client.messages.create(asked)).content)[0]).toContain('I see 1 image: ')
  })

  test('a text of 200 kB with every kind of character comes back as it went', async () => {
    const text = oddSentence.repeat(2_000)
    const asked = {
      ...ask('sim-echo'),
      max_tokens: 64_000,
      messages: [{ role: 'user' as const, content: text }],
    }
    expect(await client.messages.stream(asked).finalText()).toBe(text)
  })

  test('the key is taken as x-api-key and as a bearer token', async () => {
    const bearer = new Anthropic({ authToken: keys.good, apiKey: null, baseURL: stage.url, maxRetries: 0 })
    expect(read(await bearer.messages.create(ask('sim')))).toEqual(expected.sim)
    expect(read(await bearer.messages.stream(ask('sim')).finalMessage())).toEqual(expected.sim)
    const wrong = new Anthropic({ authToken: keys.unknown, apiKey: null, baseURL: stage.url, maxRetries: 0 })
    expect(await apiErrorOf(wrong.messages.create(ask('sim')))).toBeInstanceOf(Anthropic.AuthenticationError)
    const bare = new Anthropic({
      apiKey: keys.unknown,
      baseURL: stage.url,
      maxRetries: 0,
      defaultHeaders: { authorization: null, 'x-api-key': keys.good },
    })
    expect(read(await bare.messages.create(ask('sim')))).toEqual(expected.sim)
  })

  test('where one upstream refuses another one answers, and the client sees nothing of it', async () => {
    expect(read(await client.messages.create(ask(rescued)))).toEqual(expected.sim)
    expect(read(await client.messages.stream(ask(rescued)).finalMessage())).toEqual(expected.sim)
  })

  test('the beta resource works, and its header, version and query reach the upstream', async () => {
    stage.simulator.clear()
    const answer = await client.beta.messages.create(
      { ...ask('sim'), betas: ['context-1m-2025-08-07'] },
      { query: { beta: 'true' } },
    )
    expect(answer.content[0]).toMatchObject({ type: 'text', text: sentence })
    const [seen] = stage.simulator.requests
    expect(seen?.headers).toMatchObject({
      'anthropic-beta': 'context-1m-2025-08-07',
      'anthropic-version': '2026-10-21',
    })
    expect(seen?.path).toBe('/v1/messages?beta=true')
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
    const { input_tokens: counted } = await client.messages.countTokens({
      model: 'sim-tools',
      messages,
      tools,
    })
    expect((await client.messages.create(ask('sim-tools'))).usage.input_tokens).toBe(counted)
    expect((await client.messages.countTokens({ model: 'my-model', messages })).input_tokens).toBeGreaterThan(
      0,
    )
  })

  test('the list of models holds what the key may use, once, and each can be looked up', async () => {
    const models = await collect(client.models.list())
    const names = models.map(({ id }) => id)
    expect(names).toEqual(expect.arrayContaining(['sim', 'my-model']))
    expect(new Set(names).size).toBe(names.length)
    expect(
      models.every(({ type, created_at: at }) => type === 'model' && !Number.isNaN(Date.parse(at))),
    ).toBe(true)
    expect(await client.models.retrieve('my-model')).toMatchObject({ id: 'my-model', type: 'model' })
  })

  test('a key that may see no model gets an empty list', async () => {
    const page = await clientOf(stage, keys.narrow).models.list()
    expect(page).toMatchObject({ data: [], first_id: null, last_id: null, has_more: false })
  })

  test('a model that is not to be seen is a NotFoundError of its lookup', async () => {
    const error = await apiErrorOf(client.models.retrieve('nothing-of-ours'))
    expect(error).toBeInstanceOf(Anthropic.NotFoundError)
    expect(error).toMatchObject({ type: 'not_found_error', requestID: expect.stringMatching(requestId) })
  })
})

describe('model mapping', () => {
  test.each(Object.entries(mapped))(
    '%s is asked as %s and answers under its own name',
    async (name, upstream) => {
      stage.simulator.clear()
      expect((await client.messages.create(ask(name))).model).toBe(name)
      const events = await collect(await client.messages.create({ ...ask(name), stream: true }))
      expect(events.flatMap(event => (event.type === 'message_start' ? [event.message.model] : []))).toEqual([
        name,
      ])
      await client.messages.countTokens({ model: name, messages })
      expect(stage.simulator.requests.map(({ body }) => JSON.parse(body).model)).toEqual([
        upstream,
        upstream,
        upstream,
      ])
    },
  )
})

describe('request ids', () => {
  test('whole, streamed, counted, listed and refused answers all have one, and no two the same', async () => {
    const ids = [
      (await client.messages.create(ask('sim')).withResponse()).request_id,
      (await client.messages.create({ ...ask('sim'), stream: true }).withResponse()).request_id,
      (await client.messages.countTokens({ model: 'sim', messages }).withResponse()).request_id,
      (await client.models.list().withResponse()).request_id,
      (await apiErrorOf(clientOf(stage, keys.unknown).messages.create(ask('sim')))).requestID,
      (await apiErrorOf(client.post('/v1/messages/nowhere', { body: {} }))).requestID,
    ]
    for (const id of ids) expect(id).toMatch(requestId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('both headers have it, and the body of an error repeats it', async () => {
    const { headers, error } = await apiErrorOf(client.messages.create(ask('nothing-of-ours')))
    expect(headers?.get('request-id')).toBe(headers?.get('x-request-id'))
    expect(error).toMatchObject({ type: 'error', request_id: headers?.get('request-id') })
  })
})
