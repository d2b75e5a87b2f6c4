import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JsonObject } from './json.ts'
import { type Simulator, startSimulator } from './simulator.ts'
import { type Call, calls, eventsIn, objectsOf, talk, tools } from './testing/client.ts'

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({ port: 0 })
})
afterAll(() => simulator.close())

const protocols = ['openai-chat', 'openai-responses', 'anthropic', 'gemini'] as const
const sentence = 'Hello from the simulator, all is well here.'

const ask = async (call: Call) => JSON.parse((await talk(simulator.url, call)).body)
const stream = async (as: (typeof protocols)[number], model: string, more: JsonObject = {}) =>
  (await talk(simulator.url, calls[as](model, { stream: true, ...more }))).body
const names = (body: string) => eventsIn(body).map(({ event }) => event)

test('the worked example of the usage arithmetic comes out in each protocol', async () => {
  const model = 'sim-in5500-read4000-wrote500-out300-thought200'
  expect((await ask(calls['openai-chat'](model))).usage).toMatchObject({
    prompt_tokens: 5500,
    completion_tokens: 300,
    total_tokens: 5800,
    prompt_tokens_details: { cached_tokens: 4000, cache_write_tokens: 500 },
    completion_tokens_details: { reasoning_tokens: 200 },
  })
  expect((await ask(calls['openai-responses'](model))).usage).toEqual({
    input_tokens: 5500,
    input_tokens_details: {
      cached_tokens: 4000,
      cache_write_tokens: 500,
      cache_write_tokens_details: { ttl_30m_tokens: 500, ttl_12h_tokens: 0 },
    },
    output_tokens: 300,
    output_tokens_details: { reasoning_tokens: 200 },
    total_tokens: 5800,
  })
  expect((await ask(calls.anthropic(model))).usage).toMatchObject({
    input_tokens: 1000,
    cache_read_input_tokens: 4000,
    cache_creation_input_tokens: 500,
    cache_creation: { ephemeral_5m_input_tokens: 500, ephemeral_1h_input_tokens: 0 },
    output_tokens: 300,
    output_tokens_details: { thinking_tokens: 200 },
  })
  expect((await ask(calls.gemini(model))).usageMetadata).toMatchObject({
    promptTokenCount: 5500,
    cachedContentTokenCount: 4000,
    candidatesTokenCount: 100,
    thoughtsTokenCount: 200,
    totalTokenCount: 5800,
  })
})

test.each(protocols)('%s answers the same request always the same, byte for byte', async as => {
  const first = await stream(as, 'sim-reasoning-unicode')
  expect(await stream(as, 'sim-reasoning-unicode')).toBe(first)
  expect(await stream(as, 'sim-reasoning-unicode-other')).not.toBe(first)
})

test.each(protocols)('%s states the same usage whole and streamed', async as => {
  const more = as === 'openai-chat' ? { stream_options: { include_usage: true } } : {}
  const whole = await ask(calls[as]('sim-cached-reasoning'))
  const usage = (objectsOf(await stream(as, 'sim-cached-reasoning', more)).findLast(hasUsage) ??
    {}) as JsonObject
  const stated = whole.usage ?? whole.usageMetadata
  expect(stated).toMatchObject(
    (usage.usage ?? usage.usageMetadata ?? (usage.response as JsonObject).usage) as object,
  )
})

function hasUsage(event: JsonObject): boolean {
  return 'usage' in event || 'usageMetadata' in event || event.type === 'response.completed'
}

test('chat chunks carry usage: null and a usage chunk only when it was asked for', async () => {
  const plain = objectsOf(await stream('openai-chat', 'sim'))
  expect(plain.every(chunk => !('usage' in chunk))).toBe(true)
  const asked = objectsOf(await stream('openai-chat', 'sim', { stream_options: { include_usage: true } }))
  expect(asked.slice(0, -1).every(chunk => chunk.usage === null)).toBe(true)
  expect(asked.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 10 } })
})

test('a chat stream is role, text, finish and [DONE], with one id', async () => {
  const body = await stream('openai-chat', 'sim')
  const chunks = objectsOf(body)
  expect(chunks).toHaveLength(12)
  expect(new Set(chunks.map(chunk => chunk.id)).size).toBe(1)
  expect(chunks[0]).toMatchObject({
    object: 'chat.completion.chunk',
    model: 'sim',
    choices: [{ delta: { role: 'assistant' } }],
  })
  expect(chunks.at(-1)).toMatchObject({ choices: [{ delta: {}, finish_reason: 'stop' }] })
  expect(body.endsWith('data: [DONE]\n\n')).toBe(true)
})

test('choices of a chat take turns and differ', async () => {
  const answer = await ask(calls['openai-chat']('sim', { n: 3 }))
  expect(answer.choices.map((choice: { message: { content: string } }) => choice.message.content)).toEqual([
    sentence,
    `${sentence} [choice 1]`,
    `${sentence} [choice 2]`,
  ])
  expect(answer.usage.completion_tokens).toBe(32)
  const chunks = objectsOf(await stream('openai-chat', 'sim-choices'))
  expect(chunks.filter(chunk => JSON.stringify(chunk).includes('"finish_reason":"stop"'))).toHaveLength(2)
})

test('a Responses stream numbers its events and ends with the whole response', async () => {
  const body = await stream('openai-responses', 'sim-reasoning')
  const events = objectsOf(body)
  expect(events.map(event => event.sequence_number)).toEqual(events.map((_, index) => index))
  expect(names(body)).toEqual(events.map(event => event.type))
  expect(new Set(names(body))).toEqual(
    new Set([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.reasoning_summary_part.added',
      'response.reasoning_summary_text.delta',
      'response.reasoning_summary_text.done',
      'response.reasoning_summary_part.done',
      'response.output_item.done',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.completed',
    ]),
  )
  expect(events.at(-1)).toMatchObject({
    response: {
      status: 'completed',
      output: [{ type: 'reasoning' }, { type: 'message', content: [{ text: sentence }] }],
    },
  })
  expect(body).not.toContain('[DONE]')
})

test('an Anthropic stream opens one block at a time and states all input again at the end', async () => {
  const body = await stream('anthropic', 'sim-reasoning-cached')
  const blocks = names(body).filter(
    name => name?.startsWith('content_block_') && name !== 'content_block_delta',
  )
  expect(blocks).toEqual([
    'content_block_start',
    'content_block_stop',
    'content_block_start',
    'content_block_stop',
  ])
  expect(names(body).at(0)).toBe('message_start')
  expect(names(body).slice(-2)).toEqual(['message_delta', 'message_stop'])
  expect(objectsOf(body).at(-2)).toMatchObject({
    delta: { stop_reason: 'end_turn' },
    usage: { cache_read_input_tokens: 1024, cache_creation_input_tokens: 256, output_tokens: 16 },
  })
})

test('a Gemini stream has no end but its last object, as events with CRLF or as an array', async () => {
  const events = await stream('gemini', 'sim')
  expect(events).toMatch(/^data: \{.*\}\r\n\r\n/)
  expect(objectsOf(events).at(-1)).toMatchObject({
    candidates: [{ finishReason: 'STOP' }],
    modelVersion: 'sim',
  })
  const call = calls.gemini('sim', { stream: true })
  const array = await talk(simulator.url, { ...call, path: call.path.replace('?alt=sse', '') })
  expect(array.head).toContain('content-type: application/json')
  expect(JSON.parse(array.body)).toEqual(
    objectsOf(events).map(event => ({ ...event, responseId: expect.any(String) })),
  )
})

test.each([
  { word: 'length', finish: ['length', 'incomplete', 'max_tokens', 'MAX_TOKENS'] },
  { word: 'filter', finish: ['content_filter', 'incomplete', 'refusal', 'SAFETY'] },
  { word: 'refusal', finish: ['stop', 'completed', 'refusal', 'SAFETY'] },
  { word: 'empty', finish: ['stop', 'completed', 'end_turn', 'STOP'] },
])('$word ends as each protocol says it', async ({ word, finish }) => {
  const answers = await Promise.all(protocols.map(as => ask(calls[as](`sim-${word}`))))
  const [chat, responses, anthropic, gemini] = answers
  expect([
    chat.choices[0].finish_reason,
    responses.status,
    anthropic.stop_reason,
    gemini.candidates[0].finishReason,
  ]).toEqual(finish)
})

test.each(protocols)('%s calls tools whole and streamed with the same arguments', async as => {
  const more = { tools: tools[as] }
  const whole = JSON.stringify(await ask(calls[as]('sim-paralleltools', more)))
  for (const name of ['weather', 'clock']) expect(whole).toContain(`"name":"${name}"`)
  const streamed = await stream(as, 'sim-paralleltools', more)
  expect(streamed).toContain('"name":"clock"')
  expect(whole).toContain('sample 1')
  expect(whole).toContain('sample 2')
})

test('an output limit below the length of the text cuts it', async () => {
  const answer = await ask(calls.anthropic('sim', { max_tokens: 3 }))
  expect(answer).toMatchObject({
    stop_reason: 'max_tokens',
    usage: { output_tokens: 3 },
    content: [{ text: 'Hello from the' }],
  })
})

test('tokens, echo, images, nousage and logprobs do what their words say', async () => {
  const image = 'data:image/png;base64,iVBORw0KGgo='
  const content = [
    { type: 'text', text: 'Look' },
    { type: 'image_url', image_url: { url: image } },
  ]
  const messages = [{ role: 'user', content }]
  expect((await ask(calls['openai-chat']('sim-tokens1234'))).usage.completion_tokens).toBe(1234)
  expect((await ask(calls.gemini('sim-echo'))).candidates[0].content.parts[0].text).toBe('How are you?')
  const seen = await ask(calls['openai-chat']('sim-images', { messages }))
  expect(seen.choices[0].message.content).toBe('I see 1 image: image/png, 8 bytes.')
  expect(await ask(calls['openai-chat']('sim-nousage'))).not.toHaveProperty('usage')
  expect((await ask(calls['openai-chat']('sim-logprobs'))).choices[0].logprobs.content).toHaveLength(10)
})

test('embeddings are floats or base64 of the same floats', async () => {
  const call = (more: JsonObject) => ({
    path: '/v1/embeddings',
    headers: { authorization: 'Bearer any' },
    body: { model: 'sim', input: ['a', 'b'], dimensions: 4, ...more },
  })
  const floats = await ask(call({}))
  const encoded = await ask(call({ encoding_format: 'base64' }))
  const decoded = new Float32Array(Uint8Array.from(Buffer.from(encoded.data[1].embedding, 'base64')).buffer)
  expect(floats.data).toHaveLength(2)
  expect([...decoded]).toEqual(floats.data[1].embedding)
})

test.each([
  '/compatible-mode/v1/chat/completions',
  '/openai/deployments/sim/chat/completions?api-version=2025-01-01',
  '/api/paas/v4/chat/completions',
])('%s is a chat path', async path => {
  expect((await talk(simulator.url, { ...calls['openai-chat']('sim'), path })).status).toBe(200)
})

test('models are listed in the protocol of who asks', async () => {
  const bearer = { authorization: 'Bearer any' }
  expect((await ask({ path: '/v1/models', headers: bearer })).object).toBe('list')
  expect(
    (await ask({ path: '/v1/models', headers: { ...bearer, 'anthropic-version': '2023-06-01' } })).has_more,
  ).toBe(false)
  expect((await ask({ path: '/v1beta/models?key=any' })).models[0].name).toBe('models/sim')
  expect((await ask({ path: '/v1/models/sim-x', headers: bearer })).id).toBe('sim-x')
})
