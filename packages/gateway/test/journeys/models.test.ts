import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../gateway.ts'

const key = `sk-${'m'.repeat(48)}`
let gateway: TestGateway

beforeAll(async () => {
  const channel = (name: string, provider: string, models: readonly string[], priority = 0) => {
    const baseUrl = provider === 'openai-compatible' ? { baseUrl: 'http://127.0.0.1:9' } : {}
    return { name, provider, keys: ['sk-upstream'], models, priority, ...baseUrl }
  }
  const yaml = JSON.stringify({
    apiVersion: 'yumen/v1',
    groups: { default: { ratio: '1' } },
    users: [{ username: 'u', balance: 'unlimited' }],
    apiKeys: [{ user: 'u', name: 'k', key }],
    channels: [
      channel('first', 'openai', ['gpt'], 5),
      channel('second', 'openai-compatible', ['gpt', 'own']),
      channel('google', 'gemini', ['gemini-x']),
      channel('claude', 'anthropic', ['claude-x']),
    ],
  })
  gateway = await startTestGateway({ yaml })
})
afterAll(() => gateway.remove())

interface Listed {
  readonly data: readonly { id: string; owned_by: string; supported_endpoint_types: readonly string[] }[]
  readonly models: readonly { name: string; supportedGenerationMethods: readonly string[] }[]
}

async function list(path: string, headers: Record<string, string>): Promise<Listed> {
  return (await (await fetch(`${gateway.url}${path}`, { headers })).json()) as Listed
}

test('a model belongs to the provider that is asked first, and says by what it may be asked', async () => {
  const { data } = await list('/v1/models', { authorization: `Bearer ${key}` })
  const facts = data.map(model => [model.id, model.owned_by, model.supported_endpoint_types])
  expect(facts).toEqual([
    ['claude-x', 'anthropic', ['anthropic']],
    ['gemini-x', 'gemini', expect.arrayContaining(['gemini'])],
    ['gpt', 'openai', ['openai', 'openai-response', 'embeddings']],
    ['own', 'openai-compatible', expect.arrayContaining(['openai'])],
  ])
})

test('a client of Gemini is told the methods that a model has', async () => {
  const { models } = await list('/v1beta/models', { 'x-goog-api-key': key })
  const methodsOf = (name: string) => models.find(model => model.name === name)?.supportedGenerationMethods
  expect(methodsOf('models/gemini-x')).toEqual(
    expect.arrayContaining(['generateContent', 'streamGenerateContent']),
  )
  expect(methodsOf('models/claude-x')).toEqual([])
})

test('the key of x-api-key counts before another in authorization, and two in the query are refused', async () => {
  const both = { 'x-api-key': key, authorization: 'Bearer junk' }
  expect(await list('/v1/models', both)).toMatchObject({ object: 'list' })
  expect(await list(`/v1beta/models?key=${key}&key=${key}`, {})).toMatchObject({
    error: { message: expect.stringContaining('more than once') },
  })
})
