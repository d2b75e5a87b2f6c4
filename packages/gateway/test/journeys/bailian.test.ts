import { type Simulator, startSimulator } from '@yumen/simulator'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway, testKey } from '../gateway.ts'

/** Ali Bailian as its users know it: one channel, three protocols, thinking, and New API's settings. */
let simulator: Simulator
let gateway: TestGateway
let openai: OpenAI

beforeAll(async () => {
  simulator = await startSimulator({ port: 0 })
  gateway = await startTestGateway({ yaml: yamlOf(simulator.url) })
  openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: testKey, maxRetries: 0 })
})
beforeEach(() => simulator.clear())
afterAll(async () => {
  await gateway.remove()
  await simulator.close()
})

const yamlOf = (upstream: string) => `
apiVersion: yumen/v1
prices: { "*": { input: "0.4", output: "1.2", cacheRead: "0.08" } }
users: [{ username: alice, balance: "10" }]
apiKeys: [{ user: alice, name: test, key: ${testKey} }]
channels:
  - name: pasted
    provider: ali
    baseUrl: ${upstream}/compatible-mode/v1/
    keys: [key-pasted]
    models: [qwen-plus, text-embedding-v4, qwen-sim-cached]
    modelMapping: { qwen-plus: sim }
  - name: formatted
    provider: "17"
    baseUrl: ${upstream}
    keys: [key-formatted]
    models: [sim-reasoning, sim-other-fault-other-fields]
    settings: { force_format: true, thinking_to_content: true }
`

describe('a Bailian channel', () => {
  test("takes the address as people paste it, and the client's name for its own model", async () => {
    const answer = await openai.chat.completions.create({
      model: 'qwen-plus',
      messages: [{ role: 'user', content: 'hi' }],
    })
    expect(answer.model).toBe('qwen-plus')
    expect(simulator.requests[0]).toMatchObject({ path: '/compatible-mode/v1/chat/completions' })
    expect(JSON.parse(simulator.requests[0]?.body ?? '')).toMatchObject({ model: 'sim' })
  })

  test("streams with DashScope's header and asks for usage", async () => {
    const stream = await openai.chat.completions.create({
      model: 'qwen-plus',
      stream: true,
      messages: [{ role: 'user', content: 'hi' }],
    })
    const chunks = await Array.fromAsync(stream)
    expect(chunks.every(chunk => chunk.model === 'qwen-plus' && !chunk.usage)).toBe(true)
    expect(simulator.requests[0]?.headers).toMatchObject({
      'x-dashscope-sse': 'enable',
      authorization: 'Bearer key-pasted',
    })
  })

  test('takes extra_body apart, leaves thinking switches and absent sampling alone, and lets nothing in that governs', async () => {
    const body = { enable_thinking: true, extra_body: { thinking_budget: 64, model: 'dear', n: 7 }, top_p: 3 }
    await openai.chat.completions.create({
      model: 'qwen-plus',
      messages: [{ role: 'user', content: 'hi' }],
      ...body,
    })
    expect(JSON.parse(simulator.requests[0]?.body ?? '')).toEqual({
      model: 'sim',
      messages: [{ role: 'user', content: 'hi' }],
      enable_thinking: true,
      thinking_budget: 64,
      top_p: 1,
    })
  })

  test('serves embeddings, Responses and Anthropic messages at their own addresses', async () => {
    await openai.embeddings.create({ model: 'text-embedding-v4', input: 'jade' })
    await openai.responses.create({ model: 'qwen-plus', input: 'hi' })
    await fetch(`${gateway.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': testKey, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'qwen-sim-cached',
        max_tokens: 50,
        messages: [{ role: 'user', content: 'hi' }],
      }),
    })
    expect(simulator.requests.map(request => request.path)).toEqual([
      '/compatible-mode/v1/embeddings',
      '/compatible-mode/v1/responses',
      '/apps/anthropic/v1/messages',
    ])
  })

  test('is charged for cached tokens at their own rate', async () => {
    const { data, response } = await openai.chat.completions
      .create({
        model: 'qwen-sim-cached',
        messages: [{ role: 'user', content: 'hi' }],
      })
      .withResponse()
    const cached = data.usage?.prompt_tokens_details?.cached_tokens ?? 0
    expect(cached).toBeGreaterThan(0)
    const shown = await requestOf(response.headers.get('x-request-id'))
    expect(shown).toMatchObject({ source: 'upstream', usage: { cacheRead: cached } })
    const { prompt_tokens: input = 0, completion_tokens: output = 0 } = data.usage ?? {}
    const nanoUsd = BigInt(Math.round((input - cached) * 400 + cached * 80 + output * 1_200))
    expect(shown.charge).toBe(`0.${String(nanoUsd).padStart(9, '0')}`)
  })
})

describe('force_format and thinking_to_content', () => {
  test('put whole reasoning into the content', async () => {
    const answer = await openai.chat.completions.create({
      model: 'sim-reasoning',
      messages: [{ role: 'user', content: 'hi' }],
    })
    expect(answer.choices[0]?.message.content).toMatch(/^<think>\n.+\n<\/think>\n.+/s)
    expect(answer.choices[0]?.message).not.toHaveProperty('reasoning_content')
  })

  test('give the same text streamed as whole', async () => {
    const ask = { model: 'sim-reasoning', messages: [{ role: 'user' as const, content: 'hi' }] }
    const whole = await openai.chat.completions.create(ask)
    const chunks = await Array.fromAsync(await openai.chat.completions.create({ ...ask, stream: true }))
    const streamed = chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join('')
    expect(streamed).toBe(whole.choices[0]?.message.content)
  })

  test('leave out members that the official shape does not have', async () => {
    const stream = await openai.chat.completions.create({
      model: 'sim-other-fault-other-fields',
      stream: true,
      messages: [{ role: 'user', content: 'hi' }],
    })
    const allowed = [
      'id',
      'object',
      'created',
      'model',
      'system_fingerprint',
      'service_tier',
      'choices',
      'usage',
    ]
    for (const chunk of await Array.fromAsync(stream))
      expect(allowed).toEqual(expect.arrayContaining(Object.keys(chunk)))
  })
})

async function requestOf(id: string | null): Promise<{ charge: string; usage: object; source: string }> {
  for (let tries = 0; tries < 50; tries++) {
    const shown = await gateway.yumen('requests', 'show', id ?? '', '--json').catch(() => undefined)
    if (shown !== undefined) return JSON.parse(shown)
  }
  throw new Error(`request ${id} did not show`)
}
