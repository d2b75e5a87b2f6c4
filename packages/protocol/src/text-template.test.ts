import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tap as anthropicTap } from './anthropic/stream.ts'
import type { StreamTap } from './dialect.ts'
import { tap as chatTap } from './openai-chat/stream.ts'
import { TextTemplate } from './text-template.ts'

const chunk = (text: string, more: object = {}) =>
  JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content: text }, finish_reason: null }], ...more })

test('an event that differs in its text alone is known by the one before', () => {
  const template = new TextTemplate()
  expect(template.match('', chunk('one'))).toBeUndefined()
  template.learn('', chunk('one'), 'content', 'one')
  expect(template.match('', chunk('玉门关'))).toBe('玉门关')
  expect(template.match('', chunk(''))).toBeUndefined()
  expect(template.match('', chunk('a "quote"'))).toBeUndefined()
  expect(template.match('', chunk('two\nlines'))).toBeUndefined()
  expect(template.match('', `${chunk('one').slice(0, -1)},"usage":{}}`)).toBeUndefined()
  expect(template.match('other', chunk('two'))).toBeUndefined()
})

test.each([
  { says: 'another member of that name', data: '{"content":"a","x":{"content":"b"}}' },
  { says: 'a value of that name', data: '{"type":"content","content":"a"}' },
  { says: 'an escape anywhere', data: '{"\\u0078":1,"content":"a"}' },
  { says: 'a value that is no string', data: '{"content":[1],"x":"a"}' },
])('nothing is learnt from $says', ({ data }) => {
  const template = new TextTemplate()
  template.learn('', data, 'content', 'a')
  expect(template.match('', data)).toBeUndefined()
})

/** Events as vendors send them: mostly text, now and then anything else, some of it broken. */
const text = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('a', ' camel', '玉', '', '"', '\\', '\n', '","finish_reason":"stop","x":"'),
  },
  { weight: 1, arbitrary: fc.string() },
)
const chatEvent = fc.oneof(
  { weight: 8, arbitrary: text.map(each => chunk(each)) },
  text.map(each => chunk(each, { usage: { prompt_tokens: 3, completion_tokens: 4 } })),
  text.map(each => JSON.stringify({ choices: [{ index: 1, delta: { reasoning_content: each } }] })),
  text.map(each => JSON.stringify({ choices: [{ index: 0, delta: { content: each, reasoning: each } }] })),
  fc
    .integer({ min: 0, max: 1 })
    .map(index => JSON.stringify({ choices: [{ index, delta: {}, finish_reason: 'stop' }] })),
  text.map(each => chunk('raw').replace('raw', each)),
  fc.constantFrom('[DONE]', '{"choices":[]}', 'nonsense', '{"error":{"message":"no"}}'),
)
const delta = (type: string, key: string) => (each: string) =>
  JSON.stringify({ type: 'content_block_delta', index: 0, delta: { type, [key]: each } })
const anthropicEvent = fc.oneof(
  { weight: 6, arbitrary: text.map(delta('text_delta', 'text')) },
  { weight: 3, arbitrary: text.map(delta('input_json_delta', 'partial_json')) },
  text.map(each => delta('text_delta', 'text')('raw').replace('raw', each)),
  fc.constantFrom(
    '{"type":"content_block_stop","index":0}',
    '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}}',
    '{"type":"message_stop"}',
  ),
)

/** What it says of an event, and what it has gathered by then. */
function tell(tap: StreamTap, data: string) {
  return [tap.read(data, ''), tap.text, tap.isFinished, tap.usage, tap.error?.class]
}

test.each([
  { dialect: 'openai-chat', create: () => chatTap(2), event: chatEvent },
  { dialect: 'anthropic', create: () => anthropicTap(1), event: anthropicEvent },
])('a stream of $dialect reads the same with and without templates', ({ create, event }) => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), events => {
      const [taught, untaught] = [create(), create()]
      for (const [index, data] of events.entries()) {
        // White space behind the object, other each time: the end of no earlier event fits.
        expect(tell(taught, data)).toEqual(tell(untaught, `${data}${' '.repeat(index)}`))
      }
    }),
    { numRuns: 500 },
  )
})
