import { expect, test } from 'vitest'
import type { Reading } from '../dialect.ts'
import { anthropic } from './index.ts'

type Event = Readonly<Record<string, unknown>> & { readonly type: string }
type Step = readonly [event: Event, reading: Reading]

const start = (usage: object): Event => ({
  type: 'message_start',
  message: { id: 'msg_1', role: 'assistant', content: [], usage },
})
const open = (index: number, content_block: object): Event => ({
  type: 'content_block_start',
  index,
  content_block,
})
const delta = (index: number, fields: object): Event => ({
  type: 'content_block_delta',
  index,
  delta: fields,
})
const close = (index: number): Event => ({ type: 'content_block_stop', index })
const finish = (usage?: object, stop_reason: string | null = 'end_turn'): Event => ({
  type: 'message_delta',
  delta: { stop_reason, stop_sequence: null },
  ...(usage && { usage }),
})
const stop: Event = { type: 'message_stop' }
const ping: Event = { type: 'ping' }
const text = { type: 'text', text: '', citations: null }
const begun = {
  input_tokens: 10,
  cache_read_input_tokens: 60,
  cache_creation_input_tokens: 30,
  output_tokens: 1,
}

interface Case {
  readonly says: string
  readonly steps: readonly Step[]
  readonly text: string
  readonly isFinished: boolean
  readonly counts?: readonly [input: number, cacheRead: number, output: number]
}

const cases: readonly Case[] = [
  {
    says: 'text; the last usage overrides where it is not null',
    steps: [
      [start(begun), 'prelude'],
      [open(0, text), 'prelude'],
      [ping, 'prelude'],
      [delta(0, { type: 'text_delta', text: 'Hi' }), 'content'],
      [close(0), 'prelude'],
      [finish({ input_tokens: null, output_tokens: 7 }), 'finish'],
      [stop, 'end'],
    ],
    text: 'Hi',
    isFinished: true,
    counts: [100, 60, 7],
  },
  {
    says: 'thinking, parallel tools and an empty input',
    steps: [
      [start(begun), 'prelude'],
      [open(0, { type: 'thinking', thinking: '', signature: '' }), 'prelude'],
      [delta(0, { type: 'thinking_delta', thinking: 'Hm.' }), 'content'],
      [delta(0, { type: 'signature_delta', signature: 'EqQB' }), 'content'],
      [close(0), 'prelude'],
      [open(1, { type: 'tool_use', id: 't1', name: 'get', input: {} }), 'content'],
      [delta(1, { type: 'input_json_delta', partial_json: '{"a":1}' }), 'content'],
      [close(1), 'prelude'],
      [open(2, { type: 'tool_use', id: 't2', name: 'ping', input: {} }), 'content'],
      [delta(2, { type: 'input_json_delta', partial_json: '' }), 'prelude'],
      [close(2), 'prelude'],
      [finish({ output_tokens: 9 }, 'tool_use'), 'finish'],
      [stop, 'end'],
    ],
    text: 'Hm.get{"a":1}ping',
    isFinished: true,
    counts: [100, 60, 9],
  },
  {
    says: 'server tools are content from their start',
    steps: [
      [open(0, { type: 'server_tool_use', id: 's1', name: 'web_search', input: {} }), 'content'],
      [open(1, { type: 'web_search_tool_result', tool_use_id: 's1', content: [] }), 'content'],
      [open(2, { type: 'redacted_thinking', data: 'x' }), 'prelude'],
    ],
    text: 'web_search',
    isFinished: false,
  },
  {
    says: 'a refusal is a finish, its text stays',
    steps: [
      [start(begun), 'prelude'],
      [delta(0, { type: 'text_delta', text: 'I' }), 'content'],
      [finish({ output_tokens: 2 }, 'refusal'), 'finish'],
      [stop, 'end'],
    ],
    text: 'I',
    isFinished: true,
    counts: [100, 60, 2],
  },
  {
    says: 'usage may come on an earlier message_delta than the stop reason',
    steps: [
      [start(begun), 'prelude'],
      [
        finish(
          {
            input_tokens: 20,
            cache_read_input_tokens: 70,
            cache_creation_input_tokens: 30,
            output_tokens: 5,
          },
          null,
        ),
        'prelude',
      ],
      [finish(), 'finish'],
      [ping, 'finish'],
      [stop, 'end'],
    ],
    text: '',
    isFinished: true,
    counts: [120, 70, 5],
  },
  {
    says: 'a bare input of 0 at the end takes nothing back',
    steps: [
      [start(begun), 'prelude'],
      [finish({ input_tokens: 0, output_tokens: 5 }), 'finish'],
    ],
    text: '',
    isFinished: true,
    counts: [100, 60, 5],
  },
  {
    says: 'an input that is all cached at the end replaces an estimate',
    steps: [
      [start({ input_tokens: 120, output_tokens: 1 }), 'prelude'],
      [finish({ input_tokens: 0, cache_read_input_tokens: 118, output_tokens: 5 }), 'finish'],
    ],
    text: '',
    isFinished: true,
    counts: [118, 118, 5],
  },
  {
    says: 'a cut stream has the input and what the start said of the output',
    steps: [
      [start(begun), 'prelude'],
      [delta(0, { type: 'text_delta', text: 'Hi' }), 'content'],
    ],
    text: 'Hi',
    isFinished: false,
    counts: [100, 60, 1],
  },
  {
    says: 'a terminator without a message_delta is a proxy’s, behind a stream that was cut',
    steps: [
      [start(begun), 'prelude'],
      [delta(0, { type: 'text_delta', text: 'Hi' }), 'content'],
      [stop, 'error'],
    ],
    text: 'Hi',
    isFinished: false,
    counts: [100, 60, 1],
  },
  {
    says: 'unknown events and blocks never fail it',
    steps: [
      [{ type: 'message_mood' }, 'prelude'],
      [open(0, { type: 'hologram' }), 'prelude'],
      [delta(0, { type: 'hologram_delta' }), 'content'],
    ],
    text: '',
    isFinished: false,
  },
]

test.each(cases)('$says', ({ steps, text: said, isFinished, counts }) => {
  const tap = anthropic.tap(1)
  expect(steps.map(([event]) => tap.read(JSON.stringify(event), event.type))).toEqual(
    steps.map(([, reading]) => reading),
  )
  expect(tap.text).toBe(said)
  expect(tap.isFinished).toBe(isFinished)
  expect(tap.usage && [tap.usage.input, tap.usage.cacheRead, tap.usage.output]).toEqual(counts)
})

test.each([
  {
    says: 'an error event',
    data: '{"type":"error","error":{"type":"overloaded_error","message":"no"}}',
    event: 'error',
    gives: 'overloaded',
  },
  {
    says: 'an OpenAI-like one of an imitation',
    data: '{"error":{"message":"no","code":"rate_limit_exceeded"}}',
    event: '',
    gives: 'rate_limited',
  },
  {
    says: 'DashScope’s native event',
    data: '{"code":"Throttling","message":"no","request_id":"r"}',
    event: 'error',
    gives: 'rate_limited',
  },
  {
    says: 'half an event',
    data: '{"type":"content_blo',
    event: 'content_block_delta',
    gives: 'upstream_protocol',
  },
])('an error inside the stream: $says', ({ data, event, gives }) => {
  const tap = anthropic.tap(1)
  expect(tap.read(data, event)).toBe('error')
  expect(tap.error?.class).toBe(gives)
})
