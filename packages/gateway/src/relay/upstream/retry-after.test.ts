import { expect, test } from 'vitest'
import { boundWait, readRetryAfter } from './retry-after.ts'

const now = Date.parse('2026-11-25T12:00:00Z')

test.each([
  { headers: { 'retry-after-ms': '250', 'retry-after': '9' }, gives: 250 },
  { headers: { 'retry-after': '9' }, gives: 9_000 },
  { headers: { 'retry-after': 'Wed, 25 Nov 2026 12:00:07 GMT' }, gives: 7_000 },
  { headers: { 'retry-after': '3600' }, gives: 3_600_000 },
  { headers: { 'retry-after': '1.5' }, gives: 1_500 },
  { headers: { 'retry-after': '7s' }, gives: 7_000 },
  { headers: { 'retry-after': 'Wednesday, 25-Nov-26 12:00:07 GMT' }, gives: 7_000 },
  { headers: { 'retry-after': 'Wed Nov 25 12:00:07 2026' }, gives: 7_000 },
  { headers: { 'retry-after': 'Wed, 25 Nov 2026 11:00:00 GMT' }, gives: 0 },
  { headers: { 'retry-after': '2026-11-25T12:00:07+00:00' }, gives: 7_000 },
  { headers: { 'retry-after': '' }, gives: undefined },
  { headers: { 'retry-after': ' ', 'retry-after-ms': '' }, gives: undefined },
  { headers: { 'retry-after-ms': '', 'retry-after': '9' }, gives: 9_000 },
  { headers: { 'retry-after': '-5' }, gives: undefined },
  { headers: { 'retry-after': '0x10' }, gives: undefined },
  { headers: { 'retry-after': 'May 5' }, gives: undefined },
  { headers: { 'retry-after': 'soon' }, gives: undefined },
  { headers: {}, gives: undefined },
  { headers: { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1.5s' }, gives: 1_500 },
  ...['1', '12', '13', '31', '32', '49', '50', '60', '120', '0.5'].map(seconds => ({
    headers: { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': seconds },
    gives: Number(seconds) * 1_000,
  })),
  {
    headers: {
      'retry-after': '',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '2s',
    },
    gives: 2_000,
  },
  { headers: { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '6m0s' }, gives: 360_000 },
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

test('a wait has a bound, whoever named it', () => {
  const error = { class: 'rate_limited', status: 429, message: 'no' } as const
  expect(boundWait(error, 9)).toEqual(error)
  expect(boundWait({ ...error, retryAfterMs: 9 }, 9).retryAfterMs).toBe(9)
  expect(boundWait({ ...error, retryAfterMs: 10 }, 9).retryAfterMs).toBe(9)
})
