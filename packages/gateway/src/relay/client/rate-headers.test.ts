import { expect, test } from 'vitest'
import { rateHeaders, renderDuration } from './rate-headers.ts'

const standing = {
  requests: { limit: 60, remaining: 59, resetMs: 1_000 },
  tokens: { limit: 1_000, remaining: 10, resetMs: 59_400 },
  at: Date.parse('2026-11-25T12:00:00.250Z'),
}
const asObject = (headers: readonly string[]) =>
  Object.fromEntries(headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1]]] : [])))

test.each(['openai-chat', 'openai-responses'] as const)('%s is told durations', dialect => {
  expect(asObject(rateHeaders(dialect, standing))).toEqual({
    'x-ratelimit-limit-requests': '60',
    'x-ratelimit-remaining-requests': '59',
    'x-ratelimit-reset-requests': '1s',
    'x-ratelimit-limit-tokens': '1000',
    'x-ratelimit-remaining-tokens': '10',
    'x-ratelimit-reset-tokens': '59.4s',
  })
})

test('anthropic is told times, by which the limit is whole', () => {
  expect(asObject(rateHeaders('anthropic', standing))).toEqual({
    'anthropic-ratelimit-requests-limit': '60',
    'anthropic-ratelimit-requests-remaining': '59',
    'anthropic-ratelimit-requests-reset': '2026-11-25T12:00:02Z',
    'anthropic-ratelimit-tokens-limit': '1000',
    'anthropic-ratelimit-tokens-remaining': '10',
    'anthropic-ratelimit-tokens-reset': '2026-11-25T12:01:00Z',
  })
})

test('gemini has no such headers, and a caller without limits neither', () => {
  expect(rateHeaders('gemini', standing)).toEqual([])
  expect(rateHeaders('anthropic', undefined)).toEqual([])
  expect(rateHeaders('openai-chat', { ...standing, requests: undefined, tokens: undefined })).toEqual([])
})

test.each([
  [0, '0ms'],
  [350, '350ms'],
  [20_000, '20s'],
  [90_000, '1m30s'],
  [3_605_500, '1h0m5.5s'],
])('%i ms are written %s', (ms, text) => {
  expect(renderDuration(ms)).toBe(text)
})
