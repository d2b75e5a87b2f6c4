import { expect, test } from 'vitest'
import { openaiChat } from './index.ts'

test.each([
  {
    says: 'all choices with reasoning, text, calls',
    answer: {
      choices: [
        {
          message: {
            role: 'assistant',
            reasoning_content: 'Hm.',
            content: 'Hi',
            tool_calls: [{ function: { name: 'f', arguments: '{"a":1}' } }],
          },
        },
        { message: { content: null, refusal: 'No.' } },
      ],
    },
    text: 'Hm.Hif{"a":1}No.',
  },
  { says: 'legacy completions', answer: { choices: [{ text: 'One' }, { text: 'Two' }] }, text: 'OneTwo' },
  { says: 'embeddings generate nothing', answer: { data: [{ embedding: [0.1] }] }, text: '' },
  { says: 'no object', answer: 'text', text: '' },
])('$says', ({ answer, text }) => {
  expect(openaiChat.textOf(answer)).toBe(text)
})
