import { describe, expect, test } from 'vitest'
import { catalogue, findProvider } from './catalogue.ts'
import { endpointUrl } from './endpoint-url.ts'
import { type Ask, operations } from './provider.ts'

const ask = (parts: Partial<Ask>): Ask => ({
  dialect: 'openai-chat',
  operation: 'chat',
  model: 'qwen-plus',
  isStreaming: false,
  baseUrl: 'https://api.example.com',
  settings: {},
  query: new URLSearchParams(),
  ...parts,
})

test('every channel type of New API is listed once', () => {
  const unused = [28, 29, 30, 32]
  const expected = Array.from({ length: 58 }, (_, number) => number).filter(
    number => !unused.includes(number),
  )
  const numbers = catalogue.flatMap(({ number }) => (number === undefined ? [] : [number]))
  expect(numbers.toSorted((one, other) => one - other)).toEqual(expected)
})

test('no id is taken twice', () => {
  expect(new Set(catalogue.map(({ id }) => id)).size).toBe(catalogue.length)
})

test.each([
  { by: 'id', name: 'ali', gives: 'ali' },
  { by: 'number', name: 17, gives: 'ali' },
  { by: 'the id of a provider without a number', name: 'openai-compatible', gives: 'openai-compatible' },
  { by: 'the id of a type that is not built', name: 'zhipu-v4', gives: 'zhipu-v4' },
  { by: 'a name that nobody has', name: 'qwen', gives: undefined },
  { by: 'a number that New API skipped', name: 28, gives: undefined },
])('a provider is found by $by', ({ name, gives }) => {
  expect(findProvider(name)?.id).toBe(gives)
})

test('a type that is not built says so and offers nothing', () => {
  const deepseek = findProvider('deepseek')
  expect(deepseek?.speaks).toEqual({})
  expect(deepseek?.unavailable).toBe(
    'DeepSeek channels are not built yet; use openai-compatible with base URL https://api.deepseek.com/v1 instead',
  )
})

describe.each(catalogue.filter(provider => provider.unavailable === undefined))('$id', provider => {
  test('has a URL for what its table lists, and for nothing else', () => {
    for (const dialect of ['openai-chat', 'openai-responses', 'anthropic', 'gemini'] as const) {
      for (const operation of operations) {
        const listed = provider.speaks[dialect]?.[operation] !== undefined
        const baseUrl =
          provider.id === 'custom' && dialect === 'openai-responses' ? '/responses' : 'https://x.example'
        const url = endpointUrl(provider, ask({ dialect, operation, baseUrl }))
        expect([dialect, operation, url !== undefined]).toEqual([dialect, operation, listed])
      }
    }
  })
})

const codingPlan = 'https://coding.dashscope.aliyuncs.com'
const oneCall = 'https://llm.example.com/v1/chat/completions?key=1'

test.each([
  { says: 'the coding plan has no Responses', id: 'ali', dialect: 'openai-responses', baseUrl: codingPlan },
  { says: 'the coding plan has no embeddings', id: 'ali', operation: 'embeddings', baseUrl: codingPlan },
  { says: 'a translation model has no messages', id: 'ali', dialect: 'anthropic', model: 'qwen-mt-plus' },
  { says: 'a model of another family has no messages', id: 'ali', dialect: 'anthropic', model: 'llama-4' },
  {
    says: 'an address of chat serves no embeddings',
    id: 'custom',
    operation: 'embeddings',
    baseUrl: oneCall,
  },
  {
    says: 'an address of chat serves no completions',
    id: 'custom',
    operation: 'completions',
    baseUrl: oneCall,
  },
  {
    says: 'an address of chat serves no Responses',
    id: 'custom',
    dialect: 'openai-responses',
    baseUrl: oneCall,
  },
] as const)('$says', ({ says: _, id, ...parts }) => {
  const provider = findProvider(id)
  expect(provider && endpointUrl(provider, ask(parts))).toBeUndefined()
  expect(provider?.speaks[ask(parts).dialect]?.[ask(parts).operation]).toBeDefined()
})
