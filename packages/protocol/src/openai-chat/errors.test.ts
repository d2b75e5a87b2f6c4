import { expect, test } from 'vitest'
import type { ErrorClass } from '../errors.ts'
import { openaiChat } from './index.ts'

const told = (error: ErrorClass, param?: string) => ({
  class: error,
  message: 'Because.',
  requestId: 'r',
  ...(param && { param }),
})

test.each([
  { error: told('context_length'), says: { code: 'context_length_exceeded', param: 'messages' } },
  { error: told('model_not_found'), says: { code: 'model_not_found', param: 'model' } },
  { error: told('model_not_priced'), says: { code: 'model_not_priced', param: 'model' } },
  { error: told('unsupported', 'n'), says: { code: 'unsupported_parameter', param: 'n' } },
  { error: told('internal'), says: { code: 'internal_error', param: null } },
  { error: told('state_not_found', 'previous_response_id'), says: { code: 'previous_response_not_found' } },
  { error: told('state_not_found', 'input[2]'), says: { code: 'item_not_found', param: 'input[2]' } },
])('$error.class names what is wrong: $says', ({ error, says }) => {
  expect(openaiChat.renderError(error).body).toMatchObject({ error: says })
})

test('inside a stream the error is followed by the terminator', () => {
  const error = '{"error":{"message":"Because.","type":"server_error","code":"upstream_error","param":null}}'
  expect(openaiChat.renderErrorFrame(told('upstream_error'))).toBe(`data: ${error}\n\ndata: [DONE]\n\n`)
})
