import { expect, test } from 'vitest'
import type { Reading } from '../dialect.ts'
import { openaiChat } from './index.ts'

const choice = (delta: object, finish_reason: string | null = null, index = 0) => ({
  index,
  delta,
  finish_reason,
})
const chunk = (choices: readonly object[], more: object = {}) =>
  JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices,
    ...more,
  })
const call = (index: number, fields: object, id?: string) => ({
  tool_calls: [{ index, ...(id && { id, type: 'function' }), function: fields }],
})
const role = chunk([choice({ role: 'assistant', content: '' })])
const done = '[DONE]'
const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 }

interface Case {
  readonly says: string
  readonly choices?: number
  readonly events: readonly (readonly [data: string, reading: Reading])[]
  readonly text: string
  readonly isFinished: boolean
  readonly counts?: readonly [input: number, output: number]
}

const cases: readonly Case[] = [
  {
    says: 'text, with the usage that was asked for',
    events: [
      [role, 'prelude'],
      [chunk([choice({ content: 'Hel' })], { usage: null }), 'content'],
      [chunk([choice({ content: 'lo' })]), 'content'],
      [chunk([choice({}, 'stop')]), 'finish'],
      [chunk([], { usage }), 'usage'],
      [done, 'end'],
    ],
    text: 'Hello',
    isFinished: true,
    counts: [9, 3],
  },
  {
    says: 'text without usage',
    events: [
      [role, 'prelude'],
      [chunk([choice({ content: 'Hi' })]), 'content'],
      [chunk([choice({}, 'stop')]), 'finish'],
      [done, 'end'],
    ],
    text: 'Hi',
    isFinished: true,
  },
  {
    says: 'everything in one chunk: content, finish and usage',
    events: [
      [chunk([choice({ role: 'assistant', content: 'Hi' }, 'stop')], { usage }), 'finish'],
      [done, 'end'],
    ],
    text: 'Hi',
    isFinished: true,
    counts: [9, 3],
  },
  {
    says: 'reasoning before text, told once',
    events: [
      [chunk([choice({ reasoning_content: 'Hm.', reasoning: 'Hm.', content: null })]), 'content'],
      [
        chunk([choice({ reasoning: ' So.', reasoning_details: [{ type: 'reasoning.text', text: ' So.' }] })]),
        'content',
      ],
      [
        chunk([
          choice({
            content: [
              { type: 'thinking', thinking: [{ type: 'text', text: '!' }] },
              { type: 'text', text: 'Hi' },
            ],
          }),
        ]),
        'content',
      ],
      [chunk([choice({}, 'length')]), 'finish'],
    ],
    text: 'Hm. So.!Hi',
    isFinished: true,
  },
  {
    says: 'parallel tools, their arguments interleaved or whole objects',
    events: [
      [role, 'prelude'],
      [chunk([choice(call(0, { name: 'get', arguments: '' }, 'c1'))]), 'content'],
      [chunk([choice(call(1, { name: 'put', arguments: '' }, 'c2'))]), 'content'],
      [chunk([choice(call(0, { arguments: '{"a"' }))]), 'content'],
      [chunk([choice(call(1, { arguments: { b: 2 } }))]), 'content'],
      [chunk([choice(call(0, { arguments: ':1}' }))]), 'content'],
      [chunk([choice({}, 'tool_calls')]), 'finish'],
      [done, 'end'],
    ],
    text: 'getput{"a"{"b":2}:1}',
    isFinished: true,
  },
  {
    says: 'a legacy function call and a custom tool',
    events: [
      [chunk([choice({ function_call: { name: 'f', arguments: '{}' } })]), 'content'],
      [
        chunk([choice({ tool_calls: [{ index: 0, custom: { name: 'patch', input: '+x' } }] }, 'tool_calls')]),
        'finish',
      ],
    ],
    text: 'f{}patch+x',
    isFinished: true,
  },
  {
    says: 'a refusal',
    events: [
      [role, 'prelude'],
      [chunk([choice({ refusal: 'No.' })]), 'content'],
      [chunk([choice({}, 'stop')]), 'finish'],
    ],
    text: 'No.',
    isFinished: true,
  },
  {
    says: 'media and annotations are content without text',
    events: [
      [chunk([choice({ audio: { id: 'a', transcript: 'Hi', data: 'AAAA' } })]), 'content'],
      [chunk([choice({ images: [{ type: 'image_url' }] })]), 'content'],
      [chunk([choice({ annotations: [{ type: 'url_citation' }] })]), 'content'],
    ],
    text: 'Hi',
    isFinished: false,
  },
  {
    says: 'two choices: the last finish counts',
    choices: 2,
    events: [
      [chunk([choice({ content: 'A' }), choice({ content: 'B' }, null, 1)]), 'content'],
      [chunk([choice({}, 'stop', 1)]), 'prelude'],
      [chunk([choice({ content: 'C' })]), 'content'],
      [chunk([choice({}, 'stop')]), 'finish'],
      [chunk([], { usage }), 'usage'],
      [done, 'end'],
    ],
    text: 'ABC',
    isFinished: true,
    counts: [9, 3],
  },
  {
    says: 'an upstream that ignores n is finished at its terminator',
    choices: 2,
    events: [
      [chunk([choice({ content: 'A' }, 'stop')]), 'content'],
      [done, 'end'],
    ],
    text: 'A',
    isFinished: true,
  },
  {
    says: 'an empty finish reason finishes nothing',
    events: [
      [chunk([choice({ content: 'A' }, '')]), 'content'],
      [done, 'end'],
    ],
    text: 'A',
    isFinished: false,
  },
  {
    says: 'a cut stream',
    events: [
      [role, 'prelude'],
      [chunk([choice({ content: 'A' })]), 'content'],
    ],
    text: 'A',
    isFinished: false,
  },
  {
    says: 'what comes after the finish belongs to the tail',
    events: [
      [chunk([choice({ content: 'A' }, 'stop')]), 'finish'],
      [chunk([choice(call(0, { name: 'late', arguments: '' }))]), 'finish'],
      [chunk([]), 'finish'],
      ['', 'finish'],
      [done, 'end'],
    ],
    text: 'Alate',
    isFinished: true,
  },
  {
    says: 'Azure begins with the results of its filters',
    events: [
      [chunk([], { prompt_filter_results: [] }), 'prelude'],
      [role, 'prelude'],
      [chunk([choice({ content: 'A' })]), 'content'],
    ],
    text: 'A',
    isFinished: false,
  },
  {
    says: 'legacy completions',
    events: [
      [JSON.stringify({ choices: [{ index: 0, text: 'Hi', finish_reason: null }] }), 'content'],
      [JSON.stringify({ choices: [{ index: 0, text: '', finish_reason: 'stop' }] }), 'finish'],
      [done, 'end'],
    ],
    text: 'Hi',
    isFinished: true,
  },
  {
    says: 'usage in every chunk: the last one, and zeros are none',
    events: [
      [
        chunk([choice({ content: 'A' })], {
          usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
        }),
        'content',
      ],
      [chunk([choice({}, 'stop')], { usage }), 'finish'],
      [chunk([], { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }), 'usage'],
    ],
    text: 'A',
    isFinished: true,
    counts: [9, 3],
  },
  {
    says: 'Moonshot reports usage inside the choice',
    events: [
      [chunk([{ ...choice({ content: 'A' }, 'stop'), usage }]), 'finish'],
      [done, 'end'],
    ],
    text: 'A',
    isFinished: true,
    counts: [9, 3],
  },
]

test.each(cases)('$says', ({ choices = 1, events, text, isFinished, counts }) => {
  const tap = openaiChat.tap(choices)
  expect(events.map(([data]) => tap.read(data, ''))).toEqual(events.map(([, reading]) => reading))
  expect(tap.text).toBe(text)
  expect(tap.isFinished).toBe(isFinished)
  expect(tap.usage && [tap.usage.input, tap.usage.output]).toEqual(counts)
  expect(tap.error).toBeUndefined()
})

test.each([
  {
    says: 'an error chunk',
    data: '{"error":{"message":"no","type":"server_error","code":"rate_limit_exceeded"}}',
    event: '',
    gives: 'rate_limited',
  },
  {
    says: 'OpenRouter’s, with choices beside it',
    data: chunk([choice({}, 'error')], { error: { code: 502, message: 'no' } }),
    event: '',
    gives: 'upstream_error',
  },
  {
    says: 'DashScope’s native event',
    data: '{"code":"DataInspectionFailed","message":"no","request_id":"r"}',
    event: 'error',
    gives: 'content_policy',
  },
  {
    says: 'a native object without the event',
    data: '{"code":"Throttling","message":"no","request_id":"r"}',
    event: '',
    gives: 'rate_limited',
  },
  {
    says: 'deepseek’s finish reason',
    data: chunk([choice({}, 'insufficient_system_resource')]),
    event: '',
    gives: 'overloaded',
  },
  {
    says: 'zhipu’s finish reason',
    data: chunk([choice({}, 'network_error')]),
    event: '',
    gives: 'upstream_error',
  },
  { says: 'half a chunk', data: '{"choices":[{"del', event: '', gives: 'upstream_protocol' },
  { says: 'a page of HTML', data: '<html>', event: '', gives: 'upstream_protocol' },
])('an error inside the stream: $says', ({ data, event, gives }) => {
  const tap = openaiChat.tap(1)
  expect(tap.read(chunk([choice({ content: 'A' })]), '')).toBe('content')
  expect(tap.read(data, event)).toBe('error')
  expect(tap.error?.class).toBe(gives)
  expect(tap.isFinished).toBe(false)
})

test('the tier and cached tokens beside the usage are read from their own places', () => {
  const tap = openaiChat.tap(1)
  tap.read(chunk([choice({}, 'stop')], { service_tier: 'flex', timings: { cache_n: 5 } }), '')
  tap.read(chunk([], { usage }), '')
  expect(tap.usage).toMatchObject({ cacheRead: 5, tier: 'flex' })
})

test('a terminator without any finish reason is a proxy’s, behind a stream that was cut', () => {
  const tap = openaiChat.tap(1)
  tap.read(chunk([choice({ content: 'A' })]), '')
  expect(tap.read(done, '')).toBe('error')
  expect(tap.error?.class).toBe('upstream_protocol')
})
