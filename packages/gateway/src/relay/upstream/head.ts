import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import type { Dialect, UpstreamError } from '@yumen/protocol'
import type { UpstreamHeaders } from './call.ts'
import { boundWait, readRetryAfter } from './retry-after.ts'

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

export function headerOf(headers: UpstreamHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}

export interface RefusalLimits {
  readonly errorBodyBytesMax: number
  /** The longest rest that an upstream may ask for. */
  readonly namedRestMsMax: number
}

/** The body of an answer that is none, up to a bound: what is beyond it is dropped. */
export class RefusalBody {
  readonly #status: number
  readonly #headers: UpstreamHeaders
  readonly #limits: RefusalLimits
  readonly #chunks: Buffer[] = []
  #length = 0
  #isCut = false

  constructor(status: number, headers: UpstreamHeaders, limits: RefusalLimits) {
    this.#status = status
    this.#headers = headers
    this.#limits = limits
  }

  push(chunk: Buffer): void {
    const room = this.#limits.errorBodyBytesMax - this.#length
    if (chunk.length > room) this.#isCut = true
    if (room <= 0) return
    this.#chunks.push(chunk.subarray(0, room))
    this.#length += Math.min(chunk.length, room)
  }

  /** The whole body, or `undefined` when it was too large to be passed on. */
  get bytes(): Buffer | undefined {
    return this.#isCut ? undefined : Buffer.concat(this.#chunks)
  }

  error(dialect: Dialect): UpstreamError {
    const text = Buffer.concat(this.#chunks).toString('utf8')
    const parsed = errorOf(() => JSON.parse(text), SyntaxError)
    const body: unknown = parsed.kind === 'value' ? parsed.value : text
    const error = isSuccess(this.#status)
      ? (dialect.findError(body) ?? noStream)
      : dialect.parseError(this.#status, body)
    const retryAfterMs = readRetryAfter(name => headerOf(this.#headers, name)) ?? error.retryAfterMs
    return boundWait(
      { ...error, ...(retryAfterMs !== undefined && { retryAfterMs }) },
      this.#limits.namedRestMsMax,
    )
  }
}

/** JSON in a 200 is an error that some services send so, or an answer that nobody asked to be whole. */
const noStream: UpstreamError = {
  class: 'upstream_protocol',
  status: 200,
  message: 'a stream was asked for, and a whole JSON body came',
}

type Outcome<Value> =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'error'; readonly error: Error }

/** Runs `work` and makes the one expected kind of error a value; every other goes on. */
export function errorOf<Value>(work: () => Value, expected: new (...args: never[]) => Error): Outcome<Value> {
  try {
    return { kind: 'value', value: work() }
  } catch (error) {
    if (error instanceof Error && error instanceof expected) return { kind: 'error', error }
    throw error
  }
}

const decoders: Readonly<
  Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

/** An answer that an upstream compressed although nobody asked it to. */
export async function decodeAnswer(bytes: Buffer, encoding: string, bytesMax: number): Promise<Buffer> {
  const name = encoding.toLowerCase()
  const decoder = Object.hasOwn(decoders, name) ? decoders[name] : undefined
  if (decoder === undefined) throw new Error(`unknown content-encoding ${encoding}`)
  return decoder(bytes, { maxOutputLength: bytesMax })
}
