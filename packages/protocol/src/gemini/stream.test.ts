import { expect, test } from 'vitest'
import type { Reading } from '../dialect.ts'
import { gemini } from './index.ts'

type Step = readonly [object: object, reading: Reading]

const candidate = (parts: readonly object[], more: object = {}) => ({
  content: { role: 'model', parts },
  index: 0,
  ...more,
})
const object = (candidates: readonly object[], more: object = {}) => ({
  candidates,
  modelVersion: 'm',
  responseId: 'r',
  ...more,
})
const prompt = { promptTokenCount: 9, totalTokenCount: 9 }
const usage = { promptTokenCount: 9, candidatesTokenCount: 3, thoughtsTokenCount: 2, totalTokenCount: 14 }

interface Case {
  readonly says: string
  readonly choices?: number
  readonly steps: readonly Step[]
  readonly text: string
  readonly isFinished: boolean
  readonly counts?: readonly [input: number, output: number]
}

const cases: readonly Case[] = [
  {
    says: 'text; the last usage counts, the finish may carry content',
    steps: [
      [object([candidate([{ text: 'Hel' }])], { usageMetadata: prompt }), 'content'],
      [object([candidate([{ text: 'lo' }], { finishReason: 'STOP' })], { usageMetadata: usage }), 'finish'],
    ],
    text: 'Hello',
    isFinished: true,
    counts: [9, 5],
  },
  {
    says: 'a thought and text in one object, then parallel calls',
    steps: [
      [object([candidate([{ text: 'Hm.', thought: true }, { text: 'Hi' }])]), 'content'],
      [
        object([
          candidate([
            { functionCall: { name: 'get', args: { a: 1 } }, thoughtSignature: 'x' },
            { functionCall: { name: 'ping', args: {} } },
          ]),
        ]),
        'content',
      ],
      [object([candidate([{ text: '', thoughtSignature: 'x' }], { finishReason: 'STOP' })]), 'finish'],
    ],
    text: 'Hm.Higet{"a":1}ping{}',
    isFinished: true,
  },
  {
    says: 'media, code and its result are content',
    steps: [
      [object([candidate([{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }])]), 'content'],
      [
        object([
          candidate([
            { executableCode: { language: 'PYTHON', code: '1+1' } },
            { codeExecutionResult: { output: '2' } },
          ]),
        ]),
        'content',
      ],
    ],
    text: '1+1',
    isFinished: false,
  },
  {
    says: 'two candidates: the last finish counts',
    choices: 2,
    steps: [
      [object([candidate([{ text: 'A' }], { finishReason: 'STOP' })]), 'content'],
      [object([candidate([{ text: 'B' }], { index: 1 })]), 'content'],
      [object([candidate([], { index: 1, finishReason: 'MAX_TOKENS' })]), 'finish'],
    ],
    text: 'AB',
    isFinished: true,
  },
  {
    says: 'usage alone, before and after the finish; a total of 0 is none, a smaller one is old',
    steps: [
      [{ usageMetadata: prompt }, 'usage'],
      [object([candidate([{ text: 'A' }], { finishReason: 'STOP' })]), 'finish'],
      [{ usageMetadata: usage }, 'usage'],
      [{ usageMetadata: { promptTokenCount: 0, totalTokenCount: 0 } }, 'usage'],
      [{ usageMetadata: prompt }, 'usage'],
      [{ modelVersion: 'm' }, 'finish'],
    ],
    text: 'A',
    isFinished: true,
    counts: [9, 5],
  },
  {
    says: 'a refusal by filter is a finish',
    steps: [[object([{ index: 0, finishReason: 'SAFETY', safetyRatings: [] }]), 'finish']],
    text: '',
    isFinished: true,
  },
  {
    says: 'a cut stream',
    steps: [[object([candidate([{ text: 'A' }])]), 'content']],
    text: 'A',
    isFinished: false,
  },
  {
    says: 'an unspecified reason and a lone signature are nothing',
    steps: [
      [
        object([
          candidate([{ text: '', thoughtSignature: 'x' }], { finishReason: 'FINISH_REASON_UNSPECIFIED' }),
        ]),
        'prelude',
      ],
    ],
    text: '',
    isFinished: false,
  },
  {
    says: 'a missing signature after content is a finish',
    steps: [
      [object([candidate([{ text: 'A' }])]), 'content'],
      [object([candidate([], { finishReason: 'MISSING_THOUGHT_SIGNATURE' })]), 'finish'],
    ],
    text: 'A',
    isFinished: true,
  },
]

test.each(cases)('$says', ({ choices = 1, steps, text, isFinished, counts }) => {
  const tap = gemini.tap(choices)
  expect(steps.map(([data]) => tap.read(JSON.stringify(data), ''))).toEqual(
    steps.map(([, reading]) => reading),
  )
  expect(tap.text).toBe(text)
  expect(tap.isFinished).toBe(isFinished)
  expect(tap.usage && [tap.usage.input, tap.usage.output]).toEqual(counts)
})

test.each([
  {
    says: 'an error object',
    data: { error: { code: 503, status: 'UNAVAILABLE', message: 'no' } },
    gives: 'overloaded',
    status: 503,
  },
  {
    says: 'an error in a list',
    data: [{ error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'no' } }],
    gives: 'rate_limited',
    status: 429,
  },
  {
    says: 'a missing signature before content',
    data: object([candidate([], { finishReason: 'MISSING_THOUGHT_SIGNATURE' })]),
    gives: 'state_invalid',
    status: 400,
  },
])('an error inside the stream: $says', ({ data, gives, status }) => {
  const tap = gemini.tap(1)
  expect(tap.read(JSON.stringify(data), '')).toBe('error')
  expect(tap.error).toMatchObject({ class: gives, status })
  expect(tap.isFinished).toBe(false)
})

test('a blocked prompt is a whole answer without candidates', () => {
  const tap = gemini.tap(2)
  const data = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: prompt }
  expect(tap.read(JSON.stringify(data), '')).toBe('finish')
  expect([tap.isFinished, tap.error]).toEqual([true, undefined])
})

test('half an object breaks the protocol', () => {
  const tap = gemini.tap(1)
  expect(tap.read('{"candidates":[', '')).toBe('error')
  expect(tap.error?.class).toBe('upstream_protocol')
})

test('searches are counted once, though each object repeats them', () => {
  const tap = gemini.tap(1)
  const groundingMetadata = { webSearchQueries: ['a', 'b'] }
  tap.read(JSON.stringify(object([candidate([{ text: 'A' }], { groundingMetadata })])), '')
  tap.read(
    JSON.stringify(
      object([candidate([], { finishReason: 'STOP', groundingMetadata })], { usageMetadata: usage }),
    ),
    '',
  )
  expect(tap.usage?.server.webSearch).toBe(2)
})
