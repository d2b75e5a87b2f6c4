import { dialects } from '@yumen/protocol'
import { expect, test } from 'vitest'
import { RefusalBody } from './head.ts'

const limits = { errorBodyBytesMax: 1_000, namedRestMsMax: 3_600_000 }

function waitOf(headers: Readonly<Record<string, string>>, retryDelay?: string): number | undefined {
  const refusal = new RefusalBody(429, headers, limits)
  const details = retryDelay === undefined ? [] : [{ retryDelay }]
  refusal.push(Buffer.from(JSON.stringify({ error: { code: 429, status: 'RESOURCE_EXHAUSTED', details } })))
  return refusal.error(dialects.gemini).retryAfterMs
}

test('a wait of an upstream is taken from its header, else from its body, and never longer than the bound', () => {
  expect(waitOf({ 'retry-after': '600' })).toBe(600_000)
  expect(waitOf({ 'retry-after': '86400' })).toBe(3_600_000)
  expect(waitOf({}, '90000s')).toBe(3_600_000)
  expect(waitOf({ 'retry-after': '7' }, '9s')).toBe(7_000)
  expect(waitOf({ 'retry-after': '' }, '9s')).toBe(9_000)
  expect(waitOf({ 'retry-after': '' })).toBeUndefined()
})
