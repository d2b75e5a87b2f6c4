import type { Answer, Dialect } from '../faults/ask.ts'

/** What a careful client makes of an answer. */
export type Reading =
  | { readonly kind: 'answer'; readonly words: string }
  | { readonly kind: 'error'; readonly words: string }
  | { readonly kind: 'broken'; readonly why: string }

type Json = Readonly<Record<string, unknown>>

/** Reads as the protocols' own documents say, and shares no code with the gateway. */
export function readAnswer(answer: Answer): Reading {
  const { question, status, text, error } = answer
  if (status === 0) return broken('no answer')
  if (error !== undefined) return broken('the connection broke')
  const type = String(answer.headers['content-type'] ?? '')
  try {
    if (status !== 200 || !question.isStreaming) {
      if (!type.startsWith('application/json')) return broken('no JSON')
      return readWhole(answer, asObject(JSON.parse(text)))
    }
    if (!type.startsWith('text/event-stream')) return broken('no stream')
    return readStream(question.dialect, text)
  } catch (reason) {
    if (reason instanceof SyntaxError) return broken('malformed')
    throw reason
  }
}

function broken(why: string): Reading {
  return { kind: 'broken', why }
}

const wholeTexts: Readonly<Record<Dialect, (body: Json) => unknown>> = {
  chat: body => at(body, 'choices', 0, 'message', 'content'),
  responses: body => at(body, 'output', 0, 'content', 0, 'text'),
  anthropic: body => at(body, 'content', 0, 'text'),
  gemini: body => at(body, 'candidates', 0, 'content', 'parts', 0, 'text'),
}

const wholeEnds: Readonly<Record<Dialect, (body: Json) => unknown>> = {
  chat: body => at(body, 'choices', 0, 'finish_reason'),
  responses: body => at(body, 'status'),
  anthropic: body => at(body, 'stop_reason'),
  gemini: body => at(body, 'candidates', 0, 'finishReason'),
}

function readWhole({ question: { dialect }, status }: Answer, body: Json): Reading {
  if (status >= 400)
    return isError(dialect, body, status) ? { kind: 'error', words: '' } : broken('malformed')
  if (status !== 200) return broken(`status ${status}`)
  if (isBlocked(dialect, body)) return { kind: 'error', words: '' }
  const words = wholeTexts[dialect](body)
  if (typeof words !== 'string') return broken('no text')
  return typeof wholeEnds[dialect](body) === 'string' ? { kind: 'answer', words } : broken('no end')
}

/** Google says within a 200 that a prompt is blocked. */
function isBlocked(dialect: Dialect, body: Json): boolean {
  return dialect === 'gemini' && typeof at(body, 'promptFeedback', 'blockReason') === 'string'
}

function isError(dialect: Dialect, body: Json, status?: number): boolean {
  const error = asObject(body['error'])
  if (typeof error['message'] !== 'string' || error['message'] === '') return false
  if (dialect === 'anthropic') return body['type'] === 'error' && typeof error['type'] === 'string'
  if (dialect === 'gemini')
    return (
      typeof error['status'] === 'string' &&
      (status === undefined ? typeof error['code'] === 'number' : error['code'] === status)
    )
  return typeof error['type'] === 'string' && 'code' in error
}

/** The events' data by the standard: a BOM, three line ends, comments, several lines of data. */
function dataOf(text: string): string[] {
  const all: string[] = []
  let lines: string[] = []
  for (const line of text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)) {
    if (line.startsWith('data:')) lines.push(line.slice(line.startsWith('data: ') ? 6 : 5))
    if (line !== '' || lines.length === 0) continue
    all.push(lines.join('\n'))
    lines = []
  }
  if (lines.length > 0) throw new SyntaxError('half an event at the end')
  return all
}

function readStream(dialect: Dialect, text: string): Reading {
  const data = dataOf(text)
  const hasDone = data.at(-1) === '[DONE]'
  if (dialect === 'chat' && !hasDone) return broken('no end')
  const events = (hasDone && dialect === 'chat' ? data.slice(0, -1) : data).map(one =>
    asObject(JSON.parse(one)),
  )
  const last = events.at(-1) ?? {}
  const words = events.map(event => deltaOf(dialect, event)).join('')
  const errors = events.filter(event => isErrorEvent(dialect, event))
  const hasFinish = events.some(event => isFinish(dialect, event))
  if (errors.length > 0) {
    const isProper = errors.length === 1 && errors[0] === last && !hasFinish
    return isProper ? { kind: 'error', words } : broken('an error, and more')
  }
  if (isBlocked(dialect, last)) return { kind: 'error', words }
  if (!hasFinish || !isEnd(dialect, last)) return broken('no end')
  return isOrdered(dialect, events) ? { kind: 'answer', words } : broken('out of order')
}

function isErrorEvent(dialect: Dialect, event: Json): boolean {
  if (dialect === 'responses' && event['type'] === 'response.failed')
    return (
      typeof at(event, 'response', 'error', 'code') === 'string' &&
      at(event, 'response', 'status') === 'failed'
    )
  if (dialect === 'responses') return event['type'] === 'error' && typeof event['message'] === 'string'
  return 'error' in event && isError(dialect, event)
}

function isFinish(dialect: Dialect, event: Json): boolean {
  if (dialect === 'chat') return typeof at(event, 'choices', 0, 'finish_reason') === 'string'
  if (dialect === 'responses') return event['type'] === 'response.completed'
  if (dialect === 'anthropic') return typeof at(event, 'delta', 'stop_reason') === 'string'
  return typeof at(event, 'candidates', 0, 'finishReason') === 'string'
}

/** Chat's `[DONE]` was seen; Google has no terminator. */
function isEnd(dialect: Dialect, last: Json): boolean {
  if (dialect === 'chat') return true
  if (dialect === 'anthropic') return last['type'] === 'message_stop'
  return dialect === 'gemini' || isFinish(dialect, last)
}

/** Responses and Anthropic begin with the whole's own head; Anthropic ends each block that it began. */
function isOrdered(dialect: Dialect, events: readonly Json[]): boolean {
  if (dialect === 'responses') return events[0]?.['type'] === 'response.created'
  if (dialect !== 'anthropic') return true
  const count = (type: string) => events.filter(event => event['type'] === type).length
  return (
    events[0]?.['type'] === 'message_start' && count('content_block_start') === count('content_block_stop')
  )
}

const deltas: Readonly<Record<Dialect, (event: Json) => unknown>> = {
  chat: event => at(event, 'choices', 0, 'delta', 'content'),
  responses: event => event['type'] === 'response.output_text.delta' && event['delta'],
  anthropic: event => at(event, 'delta', 'text'),
  gemini: event => at(event, 'candidates', 0, 'content', 'parts', 0, 'text'),
}

function deltaOf(dialect: Dialect, event: Json): string {
  const delta = deltas[dialect](event)
  return typeof delta === 'string' ? delta : ''
}

function asObject(value: unknown): Json {
  return isObject(value) ? value : {}
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null
}

function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, step) => (isObject(inner) ? inner[step] : undefined), value)
}
