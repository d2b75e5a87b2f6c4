import { expect, test } from 'vitest'
import { openaiResponses } from './index.ts'

test('messages, reasoning, refusals and calls are what was generated', () => {
  const output = [
    {
      type: 'reasoning',
      summary: [{ type: 'summary_text', text: 'Hm.' }],
      content: [{ type: 'reasoning_text', text: 'So.' }],
    },
    {
      type: 'message',
      content: [
        { type: 'output_text', text: 'Hi' },
        { type: 'refusal', refusal: 'No.' },
      ],
    },
    { type: 'function_call', name: 'get', arguments: '{"a":1}' },
    { type: 'custom_tool_call', name: 'patch', input: '+x' },
    { type: 'local_shell_call', action: { command: ['ls'] } },
    { type: 'shell_call_output', output: 'not generated' },
  ]
  expect(openaiResponses.textOf({ object: 'response', output })).toBe(
    'Hm.So.HiNo.get{"a":1}patch+x{"command":["ls"]}',
  )
})
