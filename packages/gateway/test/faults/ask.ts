import { type Agent, type ClientRequest, type IncomingHttpHeaders, request as startRequest } from 'node:http'
import { testKey } from '../gateway.ts'

export const dialects = ['chat', 'responses', 'anthropic', 'gemini'] as const
export type Dialect = (typeof dialects)[number]

export interface Question {
  readonly dialect: Dialect
  readonly model: string
  readonly isStreaming: boolean
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Members over the usual ones. */
  readonly body?: object
  readonly agent?: Agent
}

/** All that a client has seen of one answer. */
export interface Answer {
  readonly question: Question
  /** 0: not even a head came. */
  readonly status: number
  readonly id: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Whether the client has the answer up to the end of its protocol, as its SDK would see it. */
  readonly isWhole: boolean
  /** When how many characters of `text` were there, milliseconds of the monotonic clock. */
  readonly arrivals: readonly { readonly at: number; readonly length: number }[]
  readonly error: string | undefined
}

export interface Asking {
  readonly answer: Promise<Answer>
  /** The request of Node, for those who leave or read slowly. */
  readonly request: ClientRequest
  /** What has come so far. */
  readonly text: () => string
}

const prompt = 'Hi'

export function pathOf({ dialect, model, isStreaming }: Question): string {
  if (dialect === 'chat') return '/v1/chat/completions'
  if (dialect === 'responses') return '/v1/responses'
  if (dialect === 'anthropic') return '/v1/messages'
  return `/v1beta/models/${model}:${isStreaming ? 'streamGenerateContent?alt=sse' : 'generateContent'}`
}

export function headersOf({ dialect, key = testKey }: Question): Record<string, string> {
  const json = { 'content-type': 'application/json' }
  if (dialect === 'anthropic') return { ...json, 'x-api-key': key, 'anthropic-version': '2023-06-01' }
  if (dialect === 'gemini') return { ...json, 'x-goog-api-key': key }
  return { ...json, authorization: `Bearer ${key}` }
}

export function bodyOf({ dialect, model, isStreaming, body }: Question): string {
  const messages = [{ role: 'user', content: prompt }]
  const stream = isStreaming ? { stream: true } : {}
  const usage = isStreaming ? { stream_options: { include_usage: true } } : {}
  const usual = {
    chat: { model, messages, ...stream, ...usage },
    responses: { model, input: prompt, ...stream },
    anthropic: { model, messages, max_tokens: 100_000, ...stream },
    gemini: { contents: [{ role: 'user', parts: [{ text: prompt }] }] },
  } as const satisfies Record<Dialect, object>
  return JSON.stringify({ ...usual[dialect], ...body })
}

/** Asks and notes everything; never rejects. */
export function startAsking(url: string, question: Question): Asking {
  const { promise, resolve } = Promise.withResolvers<Answer>()
  const body = bodyOf(question)
  const chunks: Buffer[] = []
  const arrivals: { at: number; length: number }[] = []
  let length = 0
  let status = 0
  let headers: IncomingHttpHeaders = {}
  let isComplete = false
  const text = () => Buffer.concat(chunks).toString()
  const end = (error: Error | undefined) => {
    const got = text()
    const id = String(headers['x-request-id'] ?? '')
    const isWhole = status === 200 && (question.isStreaming ? hasEnd(question.dialect, got) : isComplete)
    resolve({ question, status, id, headers, text: got, isWhole, arrivals, error: error?.message })
  }
  const request = startRequest(`${url}${pathOf(question)}`, {
    method: 'POST',
    headers: {
      ...headersOf(question),
      'content-length': String(Buffer.byteLength(body)),
      ...question.headers,
    },
    ...(question.agent !== undefined && { agent: question.agent }),
  })
  request.on('error', end)
  request.on('response', response => {
    status = response.statusCode ?? 0
    headers = response.headers
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      arrivals.push({ at: performance.now(), length })
    })
    response.on('error', end)
    response.on('end', () => {
      isComplete = response.complete
      end(undefined)
    })
  })
  request.end(body)
  return { answer: promise, request, text }
}

export function ask(url: string, question: Question): Promise<Answer> {
  return startAsking(url, question).answer
}

/** Whether a client of this dialect would take the stream for ended. */
export function hasEnd(dialect: Dialect, text: string): boolean {
  if (dialect === 'chat') return text.includes('data: [DONE]') && !text.includes('data: {"error":')
  if (dialect === 'responses') return /"type":"response\.completed"[^\n]*\n/.test(text)
  if (dialect === 'anthropic') return /"type": ?"message_stop"}\n/.test(text)
  return /"finishReason":[^\n]*\n/.test(text)
}

/** The objects of a stream's events, or the one of a whole answer. Half an event at the end is no event. */
export function eventsOf(text: string): readonly Record<string, unknown>[] {
  if (text.startsWith('{')) return [JSON.parse(text)]
  return text
    .split(/\r?\n\r?\n/)
    .slice(0, -1)
    .flatMap(block => block.split(/\r?\n/).filter(line => line.startsWith('data: {')))
    .map(line => JSON.parse(line.slice('data: '.length)))
}

const texts = {
  chat: /"(?:content)":"((?:[^"\\]|\\.)*)"/g,
  responses: /"delta":"((?:[^"\\]|\\.)*)"/g,
  anthropic: /"text_delta","text":"((?:[^"\\]|\\.)*)"/g,
  gemini: /"text":"((?:[^"\\]|\\.)*)"/g,
} as const satisfies Record<Dialect, RegExp>

/** The words of a streamed answer, as far as they came. */
export function wordsOf(dialect: Dialect, text: string): string {
  return [...text.matchAll(texts[dialect])].map(match => JSON.parse(`"${match[1]}"`)).join('')
}

const counts = {
  chat: ['prompt_tokens', 'completion_tokens'],
  responses: ['input_tokens', 'output_tokens'],
  anthropic: ['input_tokens', 'output_tokens'],
  gemini: ['promptTokenCount', 'candidatesTokenCount'],
} as const satisfies Record<Dialect, readonly [string, string]>

/** Nano-dollars that an answer costs by the usage that the client itself was told, at 2.50 and 10 USD per million tokens. */
export function chargeOf({ question: { dialect }, text }: Answer): bigint {
  const [input, output] = counts[dialect].map(name => {
    const found = [...text.matchAll(new RegExp(`"${name}": ?(\\d+)`, 'g'))].at(-1)?.[1]
    if (found === undefined) throw new Error(`the answer states no ${name}: ${text.slice(-500)}`)
    return BigInt(found)
  })
  return (input ?? 0n) * 2_500n + (output ?? 0n) * 10_000n
}
