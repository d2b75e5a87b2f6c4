import { expect, test } from 'vitest'
import { gemini } from './index.ts'

const answer = (...parts: readonly object[]) => ({ candidates: [{ content: { parts } }] })

test.each([
  {
    says: 'thoughts, text and calls',
    body: answer(
      { text: 'Hm.', thought: true },
      { text: 'Hi' },
      { functionCall: { name: 'f', args: { a: 1 } } },
    ),
    text: 'Hm.Hif{"a":1}',
  },
  {
    says: 'arguments in pieces',
    body: answer({ functionCall: { name: 'f', partialArgs: [{ jsonPath: '$.a', stringValue: 'x' }] } }),
    text: 'fx',
  },
  { says: 'the list of a streamed answer', body: [answer({ text: 'A' }), answer({ text: 'B' })], text: 'AB' },
  { says: 'embeddings', body: { embedding: { values: [0.1] } }, text: '' },
])('$says', ({ body, text }) => {
  expect(gemini.textOf(body)).toBe(text)
})
