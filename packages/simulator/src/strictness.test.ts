import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JsonObject } from './json.ts'
import { type Simulator, startSimulator } from './simulator.ts'
import { type Call, calls, talk, tools } from './testing/client.ts'

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({ port: 0 })
})
afterAll(() => simulator.close())

const protocols = ['openai-chat', 'openai-responses', 'anthropic', 'gemini'] as const
const chat = (more: JsonObject) => calls['openai-chat']('sim', more)
const anthropic = (more: JsonObject) => calls.anthropic('sim', more)
const responses = (more: JsonObject) => calls['openai-responses']('sim', more)
const gemini = (more: JsonObject) => calls.gemini('sim', more)

const user = { role: 'user', content: 'Hi' }
const chatCall = {
  role: 'assistant',
  tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
}
const toolUse = { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'f', input: {} }] }

interface Refused {
  readonly says: string
  readonly call: Call
  readonly status: number
}

test.each<Refused>([
  {
    says: "Missing required parameter: 'messages'",
    call: { ...chat({}), body: { model: 'sim' } },
    status: 400,
  },
  {
    says: 'you must provide a model parameter',
    call: { ...chat({}), body: { messages: [user] } },
    status: 400,
  },
  { says: 'empty array', call: chat({ messages: [] }), status: 400 },
  { says: 'at the same time', call: chat({ max_tokens: 1, max_completion_tokens: 1 }), status: 400 },
  { says: "only allowed when 'stream'", call: chat({ stream_options: {} }), status: 400 },
  { says: 'did not have response messages: c1', call: chat({ messages: [user, chatCall] }), status: 400 },
  {
    says: 'must be a response to a preceeding',
    call: chat({ messages: [user, { role: 'tool', tool_call_id: 'x', content: '' }] }),
    status: 400,
  },
  {
    says: 'Invalid value: ',
    call: chat({ messages: [{ role: 'user', content: [{ type: 'input_text', text: 'x' }] }] }),
    status: 400,
  },
  { says: 'decimal out of range', call: chat({ temperature: 3 }), status: 400 },
  { says: 'one of input', call: { ...responses({}), body: { model: 'sim' } }, status: 400 },
  { says: 'tools[0].name', call: responses({ tools: tools['openai-chat'] }), status: 400 },
  { says: '>= 16', call: responses({ max_output_tokens: 5 }), status: 400 },
  {
    says: 'No tool output found',
    call: responses({ input: [{ type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }] }),
    status: 400,
  },
  {
    says: 'previous_response_not_found',
    call: responses({ previous_response_id: 'resp_missing' }),
    status: 400,
  },
  {
    says: 'invalid_encrypted_content',
    call: responses({ input: [{ type: 'reasoning', summary: [], encrypted_content: 'forged' }] }),
    status: 400,
  },
  { says: 'max_tokens: Field required', call: anthropic({ max_tokens: undefined }), status: 400 },
  {
    says: 'anthropic-version: header is required',
    call: { ...anthropic({}), headers: { 'x-api-key': 'any' } },
    status: 400,
  },
  { says: 'n: Extra inputs are not permitted', call: anthropic({ n: 1 }), status: 400 },
  {
    says: 'must be non-empty',
    call: anthropic({ messages: [{ role: 'user', content: [{ type: 'text', text: ' ' }] }] }),
    status: 400,
  },
  { says: 'without `tool_result` blocks', call: anthropic({ messages: [user, toolUse, user] }), status: 400 },
  { says: 'Unexpected role', call: anthropic({ messages: [{ role: 'system', content: 'x' }] }), status: 400 },
  {
    says: 'Invalid `signature`',
    call: anthropic({
      messages: [
        user,
        { role: 'assistant', content: [{ type: 'thinking', thinking: 'x', signature: 'forged' }] },
      ],
    }),
    status: 400,
  },
  {
    says: 'temperature: not supported',
    call: {
      ...anthropic({ temperature: 1 }),
      headers: { 'x-api-key': 'any', 'anthropic-version': '2026-10-21' },
    },
    status: 400,
  },
  { says: 'contents is not specified', call: gemini({ contents: [] }), status: 400 },
  { says: 'Unknown name "messages"', call: gemini({ messages: [] }), status: 400 },
  {
    says: 'valid role',
    call: gemini({ contents: [{ role: 'assistant', parts: [{ text: 'x' }] }] }),
    status: 400,
  },
  {
    says: 'number of function response parts',
    call: gemini({ contents: [{ role: 'model', parts: [{ functionCall: { name: 'f' } }] }] }),
    status: 400,
  },
  {
    says: 'Thought signature',
    call: gemini({ contents: [{ role: 'model', parts: [{ text: 'x', thoughtSignature: 'forged' }] }] }),
    status: 400,
  },
  { says: 'Invalid URL (POST /v1/nothing)', call: { ...chat({}), path: '/v1/nothing' }, status: 404 },
  { says: 'Invalid URL', call: { ...chat({}), path: '/v1/v1/chat/completions' }, status: 404 },
  {
    says: 'Not allowed to GET',
    call: { path: '/v1/chat/completions', headers: { authorization: 'Bearer any' } },
    status: 405,
  },
  {
    says: 'Unsupported content type',
    call: { ...chat({}), headers: { authorization: 'Bearer any', 'content-type': 'text/plain' } },
    status: 415,
  },
])('refuses: $says', async ({ says, call, status }) => {
  const outcome = await talk(simulator.url, call)
  expect(outcome.body.replaceAll('\\"', '"')).toContain(says)
  expect(outcome.status).toBe(status)
})

const errorShapes = {
  'openai-chat': {
    error: { message: expect.any(String), type: expect.any(String), param: null, code: expect.anything() },
  },
  'openai-responses': {
    error: { message: expect.any(String), type: expect.any(String), param: null, code: expect.anything() },
  },
  anthropic: {
    type: 'error',
    error: { type: 'authentication_error', message: expect.any(String) },
    request_id: expect.any(String),
  },
  gemini: { error: { code: 401, message: expect.any(String), status: 'UNAUTHENTICATED' } },
}

test.each(protocols)('%s refuses a missing key in its own words', async as => {
  const { path, body } = calls[as]('sim')
  const outcome = await talk(simulator.url, { path, body, headers: { 'anthropic-version': '2023-06-01' } })
  expect(outcome.status).toBe(401)
  expect(JSON.parse(outcome.body)).toEqual(errorShapes[as])
})

test.each(protocols)('%s refuses JSON that is nested too deeply', async as => {
  const deep = `{"model":"sim","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
  expect((await talk(simulator.url, { ...calls[as]('sim'), body: deep })).body).toContain('nested too deeply')
})

test.each(protocols)('%s refuses broken JSON in its own words', async as => {
  const outcome = await talk(simulator.url, { ...calls[as]('sim'), body: '{"model":' })
  expect(outcome.status).toBe(400)
  expect(JSON.parse(outcome.body)).toHaveProperty('error.message')
})

test.each([
  { key: 'sk-dead-1', status: 401 },
  { key: 'sk-limited-1', status: 429 },
  { key: 'sk-broke-1', status: 429 },
  { key: 'sk-good-1', status: 200 },
])('the key $key gets $status', async ({ key, status }) => {
  const outcome = await talk(simulator.url, { ...chat({}), headers: { authorization: `Bearer ${key}` } })
  expect(outcome.status).toBe(status)
})

test('a header that says twice who asks is refused', async () => {
  const outcome = await talk(simulator.url, {
    ...chat({}),
    headers: { authorization: 'Bearer a\r\nauthorization: Bearer b' },
  })
  expect(outcome).toMatchObject({
    status: 400,
    body: expect.stringContaining('Duplicate header: authorization'),
  })
})

test('the thinking that was issued is taken back', async () => {
  const asked = calls.anthropic('sim-reasoning-tools', { tools: tools.anthropic })
  const first = JSON.parse((await talk(simulator.url, asked)).body)
  const result = { type: 'tool_result', tool_use_id: first.content[1].id, content: 'sunny' }
  const messages = [user, { role: 'assistant', content: first.content }, { role: 'user', content: [result] }]
  const second = await talk(
    simulator.url,
    calls.anthropic('sim-reasoning-tools', { tools: tools.anthropic, messages }),
  )
  expect(second.status).toBe(200)
  expect(JSON.parse(second.body).stop_reason).toBe('end_turn')
})
