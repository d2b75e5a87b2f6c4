import { expect, test } from 'vitest'
import type { Reading } from '../dialect.ts'
import { openaiResponses } from './index.ts'

type Event = Readonly<Record<string, unknown>> & { readonly type: string }
type Step = readonly [event: Event, reading: Reading]

const event = (type: string, fields: object = {}): Event => ({ type: `response.${type}`, ...fields })
const added = (output_index: number, item: object) => event('output_item.added', { output_index, item })
const done = (output_index: number, item: object) => event('output_item.done', { output_index, item })
const delta = (kind: string, output_index: number, text: unknown) =>
  event(`${kind}.delta`, { output_index, delta: text })
const head = { id: 'resp_1', object: 'response', status: 'in_progress', output: [], usage: null }
const usage = { input_tokens: 9, output_tokens: 3, total_tokens: 12 }
const completed = event('completed', { response: { ...head, status: 'completed', usage } })
const begin: readonly Step[] = [
  [event('created', { response: head }), 'prelude'],
  [event('in_progress', { response: head }), 'prelude'],
]
const message = { type: 'message', id: 'msg_1', role: 'assistant', content: [] }

interface Case {
  readonly says: string
  readonly steps: readonly Step[]
  readonly text: string
  readonly isFinished: boolean
  readonly counts?: readonly [input: number, output: number]
}

const cases: readonly Case[] = [
  {
    says: 'text; its done events repeat and add nothing',
    steps: [
      ...begin,
      [added(0, message), 'prelude'],
      [event('content_part.added', { output_index: 0, part: { type: 'output_text', text: '' } }), 'prelude'],
      [delta('output_text', 0, 'Hel'), 'content'],
      [delta('output_text', 0, 'lo'), 'content'],
      [event('output_text.done', { output_index: 0, text: 'Hello' }), 'prelude'],
      [done(0, { ...message, content: [{ type: 'output_text', text: 'Hello' }] }), 'prelude'],
      [completed, 'end'],
    ],
    text: 'Hello',
    isFinished: true,
    counts: [9, 3],
  },
  {
    says: 'reasoning, parallel tools, a refusal; incomplete is an end too',
    steps: [
      ...begin,
      [added(0, { type: 'reasoning', summary: [] }), 'prelude'],
      [delta('reasoning_summary_text', 0, 'Hm.'), 'content'],
      [added(1, { type: 'function_call', call_id: 'c1', name: 'get', arguments: '' }), 'content'],
      [delta('function_call_arguments', 1, '{"a":1}'), 'content'],
      [added(2, { type: 'custom_tool_call', call_id: 'c2', name: 'patch', input: '' }), 'content'],
      [delta('custom_tool_call_input', 2, '+x'), 'content'],
      [added(3, { type: 'web_search_call', id: 'ws_1' }), 'content'],
      [event('web_search_call.searching', { output_index: 3 }), 'prelude'],
      [delta('refusal', 4, 'No.'), 'content'],
      [event('incomplete', { response: { ...head, status: 'incomplete', usage } }), 'end'],
    ],
    text: 'Hm.get{"a":1}patch+xNo.',
    isFinished: true,
    counts: [9, 3],
  },
  {
    says: 'an upstream without deltas tells the text when the item is done',
    steps: [
      ...begin,
      [added(0, { type: 'function_call', name: 'get', arguments: '' }), 'content'],
      [done(0, { type: 'function_call', name: 'get', arguments: '{}' }), 'content'],
      [completed, 'end'],
    ],
    text: 'get{}',
    isFinished: true,
    counts: [9, 3],
  },
  {
    says: 'an upstream without items tells the text at the end',
    steps: [
      [event('created', { response: head }), 'prelude'],
      [
        event('completed', {
          response: {
            ...head,
            usage,
            output: [{ ...message, content: [{ type: 'output_text', text: 'Hi' }] }],
          },
        }),
        'end',
      ],
    ],
    text: 'Hi',
    isFinished: true,
    counts: [9, 3],
  },
  {
    says: 'a terminal event alone is no stream',
    steps: [
      [
        event('completed', {
          response: {
            ...head,
            usage,
            output: [{ ...message, content: [{ type: 'output_text', text: 'Hi' }] }],
          },
        }),
        'end',
      ],
    ],
    text: '',
    isFinished: false,
    counts: [9, 3],
  },
  {
    says: 'audio and pictures are content without text, an empty delta is nothing',
    steps: [
      [delta('audio', 0, 'AAAA'), 'content'],
      [delta('audio.transcript', 0, 'Hi'), 'content'],
      [event('image_generation_call.partial_image', { partial_image_b64: 'AAAA' }), 'content'],
      [delta('output_text', 0, ''), 'prelude'],
      [event('something.new'), 'prelude'],
    ],
    text: 'Hi',
    isFinished: false,
  },
  {
    says: 'a cut stream',
    steps: [...begin, [delta('output_text', 0, 'Hi'), 'content']],
    text: 'Hi',
    isFinished: false,
  },
]

test.each(cases)('$says', ({ steps, text, isFinished, counts }) => {
  const tap = openaiResponses.tap(1)
  expect(steps.map(([data]) => tap.read(JSON.stringify(data), data.type))).toEqual(
    steps.map(([, reading]) => reading),
  )
  expect(tap.text).toBe(text)
  expect(tap.isFinished).toBe(isFinished)
  expect(tap.usage && [tap.usage.input, tap.usage.output]).toEqual(counts)
})

test.each([
  {
    says: 'a failed response',
    data: {
      type: 'response.failed',
      response: { ...head, error: { code: 'rate_limit_exceeded', message: 'no' }, usage },
    },
    gives: 'rate_limited',
  },
  {
    says: 'a failed response without a known code',
    data: { type: 'response.failed', response: { ...head, error: { code: 'server_error', message: 'no' } } },
    gives: 'upstream_error',
  },
  {
    says: 'a prompt that was refused',
    data: {
      type: 'response.failed',
      response: { ...head, error: { code: 'invalid_prompt', message: 'no' } },
    },
    gives: 'content_policy',
  },
  {
    says: 'an overlong prompt',
    data: {
      type: 'response.failed',
      response: { ...head, error: { code: 'context_length_exceeded', message: 'no' } },
    },
    gives: 'context_length',
  },
  {
    says: 'an error event',
    data: { type: 'error', code: 'server_is_overloaded', message: 'no', param: null, sequence_number: 3 },
    gives: 'overloaded',
  },
  {
    says: 'a nested error event',
    data: { type: 'error', error: { type: 'invalid_request_error', message: 'no' } },
    gives: 'invalid_request',
  },
  {
    says: 'an error without a type',
    data: { error: { message: 'no', code: 'insufficient_quota' } },
    gives: 'quota_upstream',
  },
])('an error inside the stream: $says', ({ data, gives }) => {
  const tap = openaiResponses.tap(1)
  expect(tap.read(JSON.stringify(data), '')).toBe('error')
  expect(tap.error?.class).toBe(gives)
  expect(tap.isFinished).toBe(false)
})

test('usage of a failed response is read', () => {
  const tap = openaiResponses.tap(1)
  tap.read(
    JSON.stringify({
      type: 'response.failed',
      response: { ...head, error: { code: 'server_error', message: 'no' }, usage },
    }),
    '',
  )
  expect(tap.usage).toMatchObject({ input: 9, output: 3 })
})
