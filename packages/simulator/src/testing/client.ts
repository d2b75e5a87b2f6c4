import { Buffer } from 'node:buffer'
import { connect } from 'node:net'
import { isObject, type JsonObject } from '../json.ts'
import type { Protocol } from '../refusal.ts'

export interface Call {
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly method?: string
}

/** What a client without manners of its own saw on the connection. */
export interface Outcome {
  readonly status: number
  readonly head: string
  readonly body: string
  readonly bytes: Buffer
  /** `open`: nothing came for 150 ms and the connection was still there. */
  readonly ended: 'end' | 'reset' | 'open'
  readonly ms: number
}

const idleMs = 150

/** Sends one request over a bare socket and reads until it ends or falls silent. */
export function talk(url: string, call: Call, { quietMs = idleMs, mostMs = 10_000 } = {}): Promise<Outcome> {
  const { hostname, port } = new URL(url)
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const started = performance.now()
  const chunks: Buffer[] = []
  const socket = connect(Number(port), hostname)
  const limit = setTimeout(() => done('open'), mostMs)
  const done = (ended: Outcome['ended']) => {
    clearTimeout(limit)
    socket.destroy()
    resolve({ ...readAnswer(Buffer.concat(chunks)), ended, ms: performance.now() - started })
  }
  socket.setTimeout(quietMs, () => done('open'))
  socket.on('data', chunk => chunks.push(Buffer.from(chunk)))
  socket.once('end', () => done('end'))
  socket.once('error', () => done('reset'))
  socket.write(requestText(call))
  return promise
}

/** The events of a stream by the standard: BOM, three line ends, comments, several data lines. */
export function eventsIn(body: string): readonly { event: string | undefined; data: string }[] {
  const events: { event: string | undefined; data: string }[] = []
  let event: string | undefined
  let data: string[] = []
  for (const line of body.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)) {
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
    if (line === '' && data.length > 0) events.push({ event, data: data.join('\n') })
    if (line === '') [event, data] = [undefined, []]
    else if (name === 'event') event = value
    else if (name === 'data') data.push(value)
  }
  return events
}

/** The events that hold a JSON object. */
export function objectsOf(body: string): readonly JsonObject[] {
  return eventsIn(body)
    .filter(({ data }) => data.startsWith('{'))
    .map(({ data }): unknown => JSON.parse(data))
    .filter(isObject)
}

const user = { role: 'user', content: 'How are you?' }

/** A small sound request in each protocol. */
export const calls = {
  'openai-chat': (model: string, more: JsonObject = {}): Call => ({
    path: '/v1/chat/completions',
    headers: { authorization: 'Bearer any' },
    body: { model, messages: [user], ...more },
  }),
  'openai-responses': (model: string, more: JsonObject = {}): Call => ({
    path: '/v1/responses',
    headers: { authorization: 'Bearer any' },
    body: { model, input: 'How are you?', ...more },
  }),
  anthropic: (model: string, more: JsonObject = {}): Call => ({
    path: '/v1/messages',
    headers: { 'x-api-key': 'any', 'anthropic-version': '2023-06-01' },
    body: { model, max_tokens: 1000, messages: [user], ...more },
  }),
  gemini: (model: string, { stream, ...more }: JsonObject = {}): Call => ({
    path: `/v1beta/models/${model}:${stream === true ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    headers: { 'x-goog-api-key': 'any' },
    body: { contents: [{ role: 'user', parts: [{ text: 'How are you?' }] }], ...more },
  }),
} as const satisfies Record<Protocol, (model: string, more?: JsonObject) => Call>

const parameters = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } }

/** The tools `weather` and `clock`, as each protocol declares them. */
export const tools = {
  'openai-chat': [
    { type: 'function', function: { name: 'weather', parameters } },
    { type: 'function', function: { name: 'clock', parameters } },
  ],
  'openai-responses': [
    { type: 'function', name: 'weather', parameters },
    { type: 'function', name: 'clock', parameters },
  ],
  anthropic: [
    { name: 'weather', input_schema: parameters },
    { name: 'clock', input_schema: parameters },
  ],
  gemini: [
    {
      functionDeclarations: [
        { name: 'weather', parameters },
        { name: 'clock', parameters },
      ],
    },
  ],
} as const satisfies Record<Protocol, unknown>

function requestText({ path, headers = {}, body, method }: Call): string {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  const all = {
    host: 'simulator',
    connection: 'close',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method ?? (body === undefined ? 'GET' : 'POST')} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`
}

function readAnswer(bytes: Buffer): Pick<Outcome, 'status' | 'head' | 'body' | 'bytes'> {
  const finalAt = /HTTP\/1\.[01] [2-9]/.exec(bytes.toString('latin1'))?.index ?? 0
  const headEnd = bytes.indexOf('\r\n\r\n', finalAt)
  const end = headEnd < 0 ? bytes.length : headEnd
  const head = bytes.toString('latin1', 0, end).toLowerCase()
  const status = Number(/http\/1\.[01] ([2-9][0-9]{2})/.exec(head)?.[1] ?? 0)
  const rest = bytes.subarray(end + 4)
  const body = head.includes('transfer-encoding: chunked') ? unchunked(rest) : rest
  return { status, head, body: body.toString(), bytes: body }
}

function unchunked(bytes: Buffer): Buffer {
  const pieces: Buffer[] = []
  let at = 0
  while (at < bytes.length) {
    const lineEnd = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (lineEnd < 0 || !(size > 0)) break
    pieces.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
  return Buffer.concat(pieces)
}
