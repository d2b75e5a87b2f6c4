import { expect, test } from 'vitest'
import { anthropic } from './index.ts'

test('text, thinking and tools with their input are what was generated', () => {
  const content = [
    { type: 'thinking', thinking: 'Hm.', signature: 'EqQB' },
    { type: 'text', text: 'Hi' },
    { type: 'tool_use', id: 't1', name: 'get', input: { a: 1 } },
    { type: 'web_search_tool_result', content: [{ title: 'not generated' }] },
  ]
  expect(anthropic.textOf({ type: 'message', content })).toBe('Hm.Higet{"a":1}')
})

test('a count of tokens generated nothing', () => {
  expect(anthropic.textOf({ input_tokens: 5 })).toBe('')
})
