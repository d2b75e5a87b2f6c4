import { expect, test } from 'vitest'
import { readRetryAfter } from './retry-after.ts'

const now = Date.parse('2026-11-25T12:00:00Z')

test.each([
  { headers: { 'retry-after-ms': '250', 'retry-after': '9' }, gives: 250 },
  { headers: { 'retry-after': '9' }, gives: 9_000 },
  { headers: { 'retry-after': 'Wed, 25 Nov 2026 12:00:07 GMT' }, gives: 7_000 },
  { headers: { 'retry-after': '86400' }, gives: 300_000 },
  { headers: { 'retry-after': 'soon' }, gives: undefined },
  { headers: {}, gives: undefined },
  { headers: { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1.5s' }, gives: 1_500 },
  { headers: { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '1m30s' }, gives: 90_000 },
  { headers: { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '20ms' }, gives: 20 },
  {
    headers: { 'x-ratelimit-remaining-requests': '7', 'x-ratelimit-reset-requests': '1m' },
    gives: undefined,
  },
  { headers: { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '?' }, gives: undefined },
  {
    headers: {
      'anthropic-ratelimit-requests-remaining': '3',
      'anthropic-ratelimit-requests-reset': '2026-11-25T12:10:00Z',
      'anthropic-ratelimit-input-tokens-remaining': '0',
      'anthropic-ratelimit-input-tokens-reset': '2026-11-25T12:00:04Z',
    },
    gives: 4_000,
  },
])('$headers: $gives ms', ({ headers, gives }) => {
  const byName: Readonly<Record<string, string | undefined>> = headers
  expect(
    readRetryAfter(
      name => byName[name],
      () => now,
    ),
  ).toBe(gives)
})
