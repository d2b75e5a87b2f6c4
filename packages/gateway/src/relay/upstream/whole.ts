import {
  type Dialect,
  ScanError,
  type ScanLimits,
  scanObject,
  type UpstreamError,
  type Usage,
} from '@yumen/protocol'
import type { ByteBudget } from '../incoming/budget.ts'
import type { AnswerOwner } from './answer.ts'
import { type CallError, type CallListener, ownError, type UpstreamHeaders } from './call.ts'
import { decodeAnswer, errorOf, headerOf, isSuccess, RefusalBody, type RefusalLimits } from './head.ts'
import { boundWait } from './retry-after.ts'

/** A whole answer as the upstream sent it, read as far as settlement needs. */
export interface WholeAnswer {
  readonly kind: 'whole'
  readonly bytes: Buffer
  readonly usage: Usage | undefined
  /** Parsed where the answer is small enough to be parsed at once. */
  readonly parsed: unknown
}

export interface WholeParts {
  readonly dialect: Dialect
  readonly limits: ScanLimits &
    RefusalLimits & { readonly upstreamAnswerBytesMax: number; readonly parseBytesMax: number }
  readonly budget: ByteBudget
  readonly owner: AnswerOwner
}

/** Collects an answer up to its end. */
export function createWholeListener(parts: WholeParts): CallListener {
  return new WholeListener(parts)
}

class WholeListener implements CallListener {
  readonly #parts: WholeParts
  #chunks: Buffer[] = []
  #bytes = 0
  #budgeted = 0
  #encoding = 'identity'
  #refusal: RefusalBody | undefined

  constructor(parts: WholeParts) {
    this.#parts = parts
  }

  onHead(status: number, headers: UpstreamHeaders): void {
    if (!isSuccess(status)) {
      this.#refusal = new RefusalBody(status, headers, this.#parts.limits)
      return
    }
    const contentType = headerOf(headers, 'content-type') ?? ''
    this.#encoding = headerOf(headers, 'content-encoding') ?? 'identity'
    if (contentType.toLowerCase().startsWith('text/event-stream'))
      this.#fail('a stream came where a whole answer was asked for')
  }

  onData(chunk: Buffer): void {
    if (this.#refusal !== undefined) {
      this.#refusal.push(chunk)
      return
    }
    this.#bytes += chunk.length
    if (this.#bytes > this.#parts.limits.upstreamAnswerBytesMax) {
      this.#fail(`the answer is larger than ${this.#parts.limits.upstreamAnswerBytesMax} bytes`)
      return
    }
    if (this.#take(chunk.length)) this.#chunks.push(chunk)
  }

  /** Room in memory for `bytes`, or the end of the attempt. */
  #take(bytes: number): boolean {
    const isTaken = this.#parts.budget.tryTake(bytes)
    if (isTaken) this.#budgeted += bytes
    else this.#failWith(ownError('the gateway holds as many bytes as it may at once; try again'))
    return isTaken
  }

  /** Gives back what was collected and is no answer. */
  discard(): void {
    this.#parts.budget.give(this.#budgeted)
    this.#budgeted = 0
    this.#chunks.length = 0
  }

  onEnd(): void {
    if (this.#refusal !== undefined) {
      this.#parts.owner.onFailure(this.#refusal.error(this.#parts.dialect), this.#refusal.bytes)
      return
    }
    const [only] = this.#chunks
    const bytes = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks)
    if (this.#encoding === 'identity') {
      this.#read(bytes)
      return
    }
    decodeAnswer(bytes, this.#encoding, this.#parts.limits.upstreamAnswerBytesMax).then(
      decoded => {
        if (this.#take(decoded.length)) this.#read(decoded)
      },
      (error: unknown) =>
        this.#fail(`the answer does not decompress: ${error instanceof Error ? error.message : 'unknown'}`),
    )
  }

  onFailure(error: CallError): void {
    this.#parts.owner.onFailure(error, undefined)
  }

  #read(bytes: Buffer): void {
    const { dialect, limits, owner } = this.#parts
    const read =
      bytes.length <= limits.parseBytesMax ? readSmall(dialect, bytes) : readLarge(dialect, bytes, limits)
    if (read.kind === 'error') {
      owner.onFailure(boundWait(read.error, limits.namedRestMsMax), bytes)
      return
    }
    owner.onAnswer({ kind: 'whole', bytes, usage: read.usage, parsed: read.parsed })
  }

  #fail(message: string): void {
    this.#failWith({ class: 'upstream_protocol', status: 200, message })
  }

  #failWith(error: CallError): void {
    const { owner } = this.#parts
    owner.abort()
    owner.onFailure(error, undefined)
  }
}

type Read =
  | { readonly kind: 'answer'; readonly usage: Usage | undefined; readonly parsed: unknown }
  | { readonly kind: 'error'; readonly error: UpstreamError }

function readSmall(dialect: Dialect, bytes: Buffer): Read {
  const parsed = errorOf(() => JSON.parse(bytes.toString('utf8')), SyntaxError)
  if (parsed.kind === 'error' || !isObject(parsed.value)) return notJson()
  const error = dialect.findError(parsed.value)
  if (error !== undefined) return { kind: 'error', error }
  return {
    kind: 'answer',
    usage: dialect.parseUsage(memberOf(parsed.value, dialect.usageKey), parsed.value),
    parsed: parsed.value,
  }
}

/** A large answer (embeddings, images) is not built as a value: its usage is found by the scan. */
function readLarge(dialect: Dialect, bytes: Buffer, limits: ScanLimits): Read {
  const scanned = errorOf(() => scanObject(bytes, limits), ScanError)
  if (scanned.kind === 'error') return notJson()
  const members = new Map(scanned.value.members.map(member => [member.name, member]))
  const usage = members.get(dialect.usageKey)
  if (members.has('error') && usage === undefined) {
    const error = dialect.findError(JSON.parse(bytes.toString('utf8')))
    if (error !== undefined) return { kind: 'error', error }
  }
  const value: unknown = usage && JSON.parse(bytes.toString('utf8', usage.valueStart, usage.valueEnd))
  return { kind: 'answer', usage: dialect.parseUsage(value), parsed: undefined }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function memberOf(value: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value
}

function notJson(): Read {
  return {
    kind: 'error',
    error: { class: 'upstream_protocol', status: 200, message: 'the answer is not a JSON object' },
  }
}
