import { expect, test } from 'vitest'
import type { ErrorClass } from '../errors.ts'
import { openaiResponses } from './index.ts'

const told = (error: ErrorClass) => ({ class: error, message: 'Because.', requestId: 'r' })
const head = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'in_progress',
  model: 'm',
  output: [],
  tools: [],
  usage: null,
}

function openedTap(instructions: string) {
  const tap = openaiResponses.tap(1)
  tap.read(
    JSON.stringify({ type: 'response.created', sequence_number: 0, response: { ...head, instructions } }),
    '',
  )
  tap.read(
    JSON.stringify({ type: 'response.output_text.delta', sequence_number: 6, output_index: 0, delta: 'Hi' }),
    '',
  )
  return tap
}

const dataOf = (frame: string): unknown => JSON.parse(frame.split('\ndata: ')[1] ?? '')

test('before anything was sent the error is a bare event', () => {
  const body =
    '{"type":"error","code":"upstream_error","message":"Because.","param":null,"sequence_number":0}'
  expect(openaiResponses.renderErrorFrame(told('upstream_error'))).toBe(`event: error\ndata: ${body}\n\n`)
  expect(openaiResponses.renderErrorFrame(told('upstream_error'), openaiResponses.tap(1))).toContain(
    'event: error\n',
  )
})

test('after response.created the response that was opened fails, and the numbers go on', () => {
  const frame = openaiResponses.renderErrorFrame(told('upstream_error'), openedTap('Be brief.'))
  expect(frame).toMatch(/^event: response\.failed\ndata: .*\n\n$/)
  expect(dataOf(frame)).toEqual({
    type: 'response.failed',
    sequence_number: 7,
    response: {
      ...head,
      instructions: 'Be brief.',
      status: 'failed',
      error: { code: 'server_error', message: 'Because.' },
    },
  })
})

test('the terminal event that is held back does not count', () => {
  const tap = openedTap('')
  tap.read(JSON.stringify({ type: 'response.completed', sequence_number: 7, response: head }), '')
  expect(dataOf(openaiResponses.renderErrorFrame(told('internal'), tap))).toMatchObject({
    sequence_number: 7,
  })
})

test('of a very long response only the short members are kept', () => {
  const frame = openaiResponses.renderErrorFrame(told('internal'), openedTap('x'.repeat(70_000)))
  expect(frame.length).toBeLessThan(1_000)
  expect(dataOf(frame)).toMatchObject({
    response: { id: 'resp_1', status: 'failed', instructions: null, tools: [], output: [] },
  })
})

test.each<[ErrorClass, string]>([
  ['rate_limited', 'rate_limit_exceeded'],
  ['rate_limited_client', 'rate_limit_exceeded'],
  ['content_policy', 'invalid_prompt'],
  ['context_length', 'context_length_exceeded'],
  ['quota_client', 'server_error'],
  ['overloaded', 'server_error'],
])('%s fails a response with %s', (error, code) => {
  expect(dataOf(openaiResponses.renderErrorFrame(told(error), openedTap('')))).toMatchObject({
    response: { error: { code } },
  })
})

test('an overlong prompt is in the input', () => {
  expect(openaiResponses.renderError(told('context_length')).body).toMatchObject({
    error: { param: 'input' },
  })
})
