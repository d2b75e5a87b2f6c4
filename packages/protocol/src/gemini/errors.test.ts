import { expect, test } from 'vitest'
import { gemini } from './index.ts'

test.each([
  {
    message: 'prompt is too long: 9 tokens > 8 maximum',
    says: 'The input token count (9) exceeds the maximum number of tokens allowed (8).',
  },
  {
    message: 'Too big.',
    says: 'The input token count exceeds the maximum number of tokens allowed. Too big.',
  },
])('an overlong prompt is told in Google’s words: $says', ({ message, says }) => {
  const error = { class: 'context_length', message, requestId: 'r' } as const
  expect(gemini.renderError(error).body).toMatchObject({ error: { message: says } })
})

test.each([
  { retryAfterMs: 6_400, retryDelay: '7s' },
  { retryAfterMs: 1, retryDelay: '1s' },
])('$retryAfterMs ms to wait are told as $retryDelay', ({ retryAfterMs, retryDelay }) => {
  const { status, body } = gemini.renderError({
    class: 'rate_limited',
    message: 'Wait.',
    requestId: 'r',
    retryAfterMs,
  })
  expect([status, body]).toEqual([
    429,
    {
      error: {
        code: 429,
        message: 'Wait.',
        status: 'RESOURCE_EXHAUSTED',
        details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }],
      },
    },
  ])
})

test('inside a stream the error is one more object', () => {
  expect(gemini.renderErrorFrame({ class: 'upstream_error', message: 'Because.', requestId: 'r' })).toBe(
    'data: {"error":{"code":500,"message":"Because.","status":"INTERNAL"}}\n\n',
  )
})
