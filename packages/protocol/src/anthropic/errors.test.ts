import { expect, test } from 'vitest'
import { anthropic } from './index.ts'

test.each([
  {
    message:
      "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
    says: 'prompt is too long: 9000 tokens > 8192 maximum',
  },
  {
    message: 'The input token count (9) exceeds the maximum number of tokens allowed (8).',
    says: 'prompt is too long: 9 tokens > 8 maximum',
  },
  { message: 'prompt is too long: 9 tokens > 8 maximum', says: 'prompt is too long: 9 tokens > 8 maximum' },
  { message: 'prompt is too long', says: 'prompt is too long' },
  { message: 'Too big.', says: 'prompt is too long: Too big.' },
])('an overlong prompt is told in the words that clients match: $says', ({ message, says }) => {
  const error = { class: 'context_length', message, requestId: 'req_7' } as const
  expect(anthropic.renderError(error).body).toMatchObject({ error: { message: says } })
})

test('inside a stream the error is an event, and nothing follows it', () => {
  const body =
    '{"type":"error","error":{"type":"overloaded_error","message":"Because."},"request_id":"req_7"}'
  expect(anthropic.renderErrorFrame({ class: 'overloaded', message: 'Because.', requestId: 'req_7' })).toBe(
    `event: error\ndata: ${body}\n\n`,
  )
})

test('a keep-alive is a ping event', () => {
  expect(anthropic.tap(1).read('{"type": "ping"}', 'ping')).toBe('prelude')
  expect(anthropic.ping).toBe('event: ping\ndata: {"type": "ping"}\n\n')
})
