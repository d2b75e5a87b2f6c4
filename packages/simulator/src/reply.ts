import { Buffer } from 'node:buffer'

export type Header = readonly [name: string, value: string]

/** Where an event stands in its stream. `end` is `[DONE]`, `message_stop` or the last Responses event. */
export type FrameRole = 'open' | 'delta' | 'finish' | 'usage' | 'end'

export interface Frame {
  readonly kind: 'frame'
  readonly role: FrameRole
  readonly event: string | undefined
  readonly data: string
  /** How it is written, where that is not the plain way. */
  readonly text?: string
}

/**
 * What happens to the connection, in order. `raw` bytes bypass HTTP; `close` is FIN, `reset` is RST,
 * `hang-up` the FIN that ends an answer properly; after `forget` the next byte that comes is answered by RST.
 */
export type Step =
  | { readonly kind: 'head'; readonly status: number; readonly headers: readonly Header[] }
  | { readonly kind: 'bytes'; readonly bytes: string | Uint8Array }
  | { readonly kind: 'raw'; readonly bytes: string | Uint8Array }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'information'; readonly status: 100 | 102 | 103 }
  | { readonly kind: 'end'; readonly bytes: string | undefined }
  | { readonly kind: 'hang' }
  | { readonly kind: 'close' }
  | { readonly kind: 'hang-up' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'forget' }

export type Item = Frame | Step
export type Newline = '\n' | '\r\n' | '\r'

interface WholeBody {
  readonly kind: 'whole'
  readonly text: string
}

export interface StreamBody {
  readonly kind: 'stream'
  readonly encoding: 'sse' | 'array'
  readonly newline: Newline
  readonly items: Iterable<Item>
}

/** An answer before it is sent. A fault is a function from one reply to another. */
export interface Reply {
  readonly status: number
  readonly headers: readonly Header[]
  /** `length` counts the body, a number is declared whatever the body is, `chunked` declares nothing. */
  readonly framing: 'length' | 'chunked' | number
  readonly before: readonly Step[]
  /** Takes the place of Node's own head; the body follows without HTTP's help, then the connection ends. */
  readonly rawHead: string | undefined
  readonly body: WholeBody | StreamBody
  /** Applied to the bytes of the body, first to last. */
  readonly passes: readonly ((steps: Iterable<Step>) => Iterable<Step>)[]
  readonly after: readonly Step[]
}

export function wholeReply(status: number, headers: readonly Header[], text: string): Reply {
  return {
    status,
    headers: [['content-type', 'application/json'], ...headers],
    framing: 'length',
    before: [],
    rawHead: undefined,
    body: { kind: 'whole', text },
    passes: [],
    after: [],
  }
}

export function streamReply(headers: readonly Header[], body: StreamBody): Reply {
  const type = body.encoding === 'sse' ? 'text/event-stream; charset=utf-8' : 'application/json'
  return {
    status: 200,
    headers: [['content-type', type], ['cache-control', 'no-cache'], ...headers],
    framing: 'chunked',
    before: [],
    rawHead: undefined,
    body,
    passes: [],
    after: [],
  }
}

/** A reply as steps, made while they are taken: nothing of a long stream exists before its turn. */
export function* stepsOf(reply: Reply): Generator<Step> {
  yield* reply.before
  if (reply.rawHead !== undefined) {
    yield* rawSteps(reply.rawHead, reply)
    return
  }
  const { body } = reply
  const isPlain = body.kind === 'whole' && reply.passes.length === 0
  yield { kind: 'head', status: reply.status, headers: headersOf(reply) }
  if (isPlain) {
    yield { kind: 'end', bytes: body.text }
  } else {
    yield* bodyOf(reply)
    yield { kind: 'end', bytes: undefined }
  }
  yield* reply.after
}

function* rawSteps(head: string, reply: Reply): Generator<Step> {
  yield { kind: 'raw', bytes: head }
  for (const step of bodyOf(reply)) yield step.kind === 'bytes' ? { kind: 'raw', bytes: step.bytes } : step
  yield { kind: 'hang-up' }
}

/** The body's bytes and what happens between them, all passes applied. */
function bodyOf(reply: Reply): Iterable<Step> {
  const start: Iterable<Step> =
    reply.body.kind === 'whole' ? [{ kind: 'bytes', bytes: reply.body.text }] : encode(reply.body)
  return reply.passes.reduce((steps, pass) => pass(steps), start)
}

/** One event in the form of the server-sent events standard. */
export function sseText(frame: Frame, newline: Newline = '\n'): string {
  if (frame.text !== undefined) return frame.text
  const event = frame.event === undefined ? '' : `event: ${frame.event}${newline}`
  return `${event}data: ${frame.data}${newline}${newline}`
}

export function bytesOf(bytes: string | Uint8Array): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes
}

function headersOf(reply: Reply): readonly Header[] {
  if (reply.framing === 'chunked') return reply.headers
  const text = reply.body.kind === 'whole' ? reply.body.text : ''
  const length = reply.framing === 'length' ? Buffer.byteLength(text) : reply.framing
  return [...reply.headers, ['content-length', String(length)]]
}

function* encode(body: StreamBody): Generator<Step> {
  let count = 0
  for (const item of body.items) {
    if (item.kind !== 'frame') yield item
    else if (body.encoding === 'sse') yield { kind: 'bytes', bytes: sseText(item, body.newline) }
    else yield { kind: 'bytes', bytes: `${count++ === 0 ? '[' : ',\r\n'}${item.data}\n` }
  }
  if (body.encoding === 'array') yield { kind: 'bytes', bytes: count === 0 ? '[]' : ']' }
}
