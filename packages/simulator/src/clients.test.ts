import Anthropic from '@anthropic-ai/sdk'
import { type FunctionDeclaration, GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Simulator, startSimulator } from './simulator.ts'

let simulator: Simulator
let openai: OpenAI
let anthropic: Anthropic
let google: GoogleGenAI
beforeAll(async () => {
  simulator = await startSimulator({ port: 0 })
  openai = new OpenAI({ apiKey: 'any', baseURL: `${simulator.url}/v1`, maxRetries: 0 })
  anthropic = new Anthropic({ apiKey: 'any', baseURL: simulator.url, maxRetries: 0 })
  google = new GoogleGenAI({ apiKey: 'any', httpOptions: { baseUrl: simulator.url } })
})
afterAll(() => simulator.close())

const sentence = 'Hello from the simulator, all is well here.'
const messages = [{ role: 'user' as const, content: 'Hi' }]
const schema = {
  type: 'object' as const,
  properties: { city: { type: 'string' as const } },
  required: ['city'],
}
const city = 'sample 1 “ü” \\ "q"'

test('openai: chat whole, streamed with its helper, and tools', async () => {
  const whole = await openai.chat.completions.create({ model: 'sim', messages })
  expect(whole.choices[0]?.message.content).toBe(sentence)
  const stream = openai.chat.completions.stream({
    model: 'sim',
    messages,
    stream_options: { include_usage: true },
  })
  expect(await stream.finalContent()).toBe(sentence)
  expect((await stream.totalUsage()).completion_tokens).toBe(10)
  const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: schema } }]
  const called = await openai.chat.completions
    .stream({ model: 'sim-tools', messages, tools })
    .finalChatCompletion()
  const call = called.choices[0]?.message.tool_calls?.[0]
  expect(call).toMatchObject({
    type: 'function',
    function: { name: 'weather', arguments: JSON.stringify({ city }) },
  })
})

test('openai: responses whole, streamed with its helper, and tools', async () => {
  const whole = await openai.responses.create({ model: 'sim-reasoning', input: 'Hi' })
  expect(whole.output_text).toBe(sentence)
  const stream = openai.responses.stream({ model: 'sim-reasoning', input: 'Hi' })
  const final = await stream.finalResponse()
  expect(final.output_text).toBe(sentence)
  expect(final.usage?.output_tokens_details.reasoning_tokens).toBe(6)
  const tools = [{ type: 'function' as const, name: 'weather', parameters: schema, strict: false }]
  const called = await openai.responses.stream({ model: 'sim-tools', input: 'Hi', tools }).finalResponse()
  expect(called.output[0]).toMatchObject({ type: 'function_call', arguments: JSON.stringify({ city }) })
})

test('openai: completions, embeddings, moderations, models', async () => {
  const completion = await openai.completions.create({ model: 'sim', prompt: 'Hi' })
  expect(completion.choices[0]?.text).toBe(sentence)
  let text = ''
  for await (const chunk of await openai.completions.create({ model: 'sim', prompt: 'Hi', stream: true })) {
    text += chunk.choices[0]?.text ?? ''
  }
  expect(text).toBe(sentence)
  const embeddings = await openai.embeddings.create({ model: 'sim', input: ['a', 'b'] })
  expect(embeddings.data.map(row => row.embedding.length)).toEqual([16, 16])
  const moderation = await openai.moderations.create({ input: 'such violence' })
  expect(moderation.results[0]?.flagged).toBe(true)
  expect((await openai.models.list()).data[0]?.id).toBe('sim')
})

test('anthropic: messages whole, streamed with its helper, and tools', async () => {
  const whole = await anthropic.messages.create({ model: 'sim', max_tokens: 100, messages })
  expect(whole.content[0]).toMatchObject({ type: 'text', text: sentence })
  const streamed = await anthropic.messages
    .stream({ model: 'sim-reasoning-cached', max_tokens: 100, messages })
    .finalMessage()
  expect(streamed.content.map(block => block.type)).toEqual(['thinking', 'text'])
  expect(streamed.usage).toMatchObject({ cache_read_input_tokens: 1024, output_tokens: 16 })
  const tools = [{ name: 'weather', input_schema: schema }]
  const called = await anthropic.messages
    .stream({ model: 'sim-tools', max_tokens: 100, messages, tools })
    .finalMessage()
  expect(called.content[0]).toMatchObject({ type: 'tool_use', name: 'weather', input: { city } })
})

test('anthropic: tokens counted as they are billed, models, and errors of the right class', async () => {
  const whole = await anthropic.messages.create({ model: 'sim', max_tokens: 100, messages })
  const counted = await anthropic.messages.countTokens({ model: 'sim', messages })
  expect(counted.input_tokens).toBe(whole.usage.input_tokens)
  expect((await anthropic.models.list()).data[0]?.id).toBe('sim')
  const failing = anthropic.messages.create({ model: 'sim-fault-status-429', max_tokens: 100, messages })
  await expect(failing).rejects.toBeInstanceOf(Anthropic.RateLimitError)
})

test('google: content whole, streamed, and tools', async () => {
  const whole = await google.models.generateContent({ model: 'sim', contents: 'Hi' })
  expect(whole.text).toBe(sentence)
  let text = ''
  for await (const chunk of await google.models.generateContentStream({
    model: 'sim-reasoning',
    contents: 'Hi',
  })) {
    text += chunk.text ?? ''
  }
  expect(text).toBe(sentence)
  const weather: FunctionDeclaration = { name: 'weather', parametersJsonSchema: schema }
  const called = await google.models.generateContent({
    model: 'sim-tools',
    contents: 'Hi',
    config: { tools: [{ functionDeclarations: [weather] }] },
  })
  expect(called.functionCalls?.[0]).toMatchObject({ name: 'weather', args: { city } })
})

test('google: tokens, embeddings, models', async () => {
  expect((await google.models.countTokens({ model: 'sim', contents: 'Hi' })).totalTokens).toBe(4)
  const embedded = await google.models.embedContent({ model: 'sim', contents: ['a', 'b'] })
  expect(embedded.embeddings?.[0]?.values).toHaveLength(16)
  const listed = await google.models.list()
  expect(listed.page[0]?.name).toBe('models/sim')
})
