import {
  createSseSplitter,
  type Dialect,
  type Reading,
  type SseSplitter,
  type StreamTap,
} from '@yumen/protocol'
import type { ByteBudget } from '../incoming/budget.ts'
import type { AnswerOwner } from './answer.ts'
import {
  type CallError,
  type CallListener,
  ownError,
  type UpstreamCall,
  type UpstreamHeaders,
} from './call.ts'
import { headerOf, isSuccess, RefusalBody, type RefusalLimits } from './head.ts'
import { boundWait } from './retry-after.ts'

/** One event as it passes. `bytes` is a view into the chunk that brought it. */
export interface PassingEvent {
  readonly bytes: Buffer
  readonly data: string
  readonly event: string
  readonly reading: Reading
}

/** Where events go once the stream is committed. */
export interface EventSink {
  onEvent(event: PassingEvent): void
  /** All events of one chunk are there: what was gathered can be written. */
  onChunkEnd(): void
  /** The upstream ended the stream; `rest` bytes of an event that has no end were left. */
  onEnd(rest: number): void
  onFailure(error: CallError): void
}

/** A stream up to its commit point: what came so far is held, the upstream is paused until somebody attaches. */
export interface StreamAnswer {
  readonly kind: 'stream'
  readonly tap: StreamTap
  readonly call: UpstreamCall
  /** Hands over everything that was held, then lets the upstream go on. */
  attach(sink: EventSink): void
}

export interface StreamedParts {
  readonly dialect: Dialect
  readonly choices: number
  readonly limits: RefusalLimits & {
    readonly sseEventBytesMax: number
    readonly preludeBytesMax: number
  }
  /** What is held, before the first content and of events that have not ended, is taken out of it. */
  readonly budget: ByteBudget
  readonly owner: AnswerOwner
}

/** Reads a stream and finds its commit point: the first event with content. Until then every failure is the attempt's. */
export function createStreamListener(parts: StreamedParts): CallListener {
  return new StreamListener(parts)
}

/** JSON over several `data:` lines: whoever writes its event anew writes one line, and between tokens a space is as good. */
function onOneLine(data: string): string {
  return data.includes('\n') ? data.replaceAll('\n', ' ') : data
}

class StreamListener implements CallListener, StreamAnswer {
  readonly kind = 'stream'
  readonly tap: StreamTap
  readonly #parts: StreamedParts
  readonly #splitter: SseSplitter
  #held: PassingEvent[] = []
  #heldBytes = 0
  /** Of the budget: the held events and the unfinished one. */
  #budgeted = 0
  #state: 'open' | 'committed' | 'attached' | 'failed' = 'open'
  #sink: EventSink | undefined
  #refusal: RefusalBody | undefined
  /** What happened between the commit and the attachment. */
  #ending: (() => void) | undefined

  constructor(parts: StreamedParts) {
    this.#parts = parts
    this.#splitter = createSseSplitter(parts.limits.sseEventBytesMax)
    this.tap = parts.dialect.tap(parts.choices)
  }

  get call(): UpstreamCall {
    return this.#parts.owner.call
  }

  attach(sink: EventSink): void {
    this.#sink = sink
    this.#state = 'attached'
    const held = this.#held
    this.#held = []
    this.#heldBytes = 0
    for (const event of held) sink.onEvent(event)
    sink.onChunkEnd()
    this.#account()
    this.#ending?.()
    this.call.resume()
  }

  onHead(status: number, headers: UpstreamHeaders): void {
    if (!isSuccess(status)) {
      this.#refusal = new RefusalBody(status, headers, this.#parts.limits)
      return
    }
    const contentType = (headerOf(headers, 'content-type') ?? '').toLowerCase()
    if (contentType.startsWith('application/json')) {
      this.#refusal = new RefusalBody(status, headers, this.#parts.limits)
    } else if (!contentType.startsWith('text/event-stream')) {
      this.#fail(`a stream was asked for, and content-type ${JSON.stringify(contentType.slice(0, 60))} came`)
    } else if ((headerOf(headers, 'content-encoding') ?? 'identity') !== 'identity') {
      this.#fail('the stream is compressed, which was not asked for')
    } else {
      this.#parts.owner.onStreaming()
    }
  }

  onData(chunk: Buffer): void {
    if (this.#refusal !== undefined) {
      this.#refusal.push(chunk)
      return
    }
    try {
      this.#splitter.push(chunk)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      this.#fail(error.message)
      return
    }
    while (this.#state !== 'failed' && this.#splitter.next()) this.#read()
    this.#sink?.onChunkEnd()
    this.#account()
  }

  onEnd(): void {
    if (this.#refusal !== undefined) {
      this.#parts.owner.onFailure(this.#refusal.error(this.#parts.dialect), this.#refusal.bytes)
      return
    }
    const rest = this.#splitter.restLength
    if (this.#state === 'attached') this.#sink?.onEnd(rest)
    else if (this.#state === 'committed') this.#ending = () => this.#sink?.onEnd(rest)
    else if (this.tap.isFinished) this.#commitEmpty(() => this.#sink?.onEnd(rest))
    else this.#fail('the stream ended before its first content')
  }

  onFailure(error: CallError): void {
    if (this.#state === 'attached') this.#sink?.onFailure(error)
    else if (this.#state === 'committed') this.#ending = () => this.#sink?.onFailure(error)
    else this.#failWith(error)
  }

  #read(): void {
    const { bytes, event } = this.#splitter
    const data = onOneLine(this.#splitter.data)
    const reading = data === '' ? 'prelude' : this.tap.read(data, event)
    if (this.#state === 'attached') {
      this.#sink?.onEvent({ bytes, data, event, reading })
      return
    }
    if (reading === 'error' && this.#state === 'open') {
      const told = this.tap.error ?? { class: 'upstream_error', status: 200, message: data.slice(0, 500) }
      this.#failWith(boundWait(told, this.#parts.limits.namedRestMsMax))
      return
    }
    this.#hold({ bytes, data, event, reading })
    if (this.#state !== 'open') return
    // The first content may be an image of megabytes: what came before it is bounded, not it.
    if (reading === 'content' || this.tap.text !== '') this.#commit()
    else if (reading === 'end') this.#commitEmpty()
    else if (this.#heldBytes > this.#parts.limits.preludeBytesMax) {
      this.#fail(`more than ${this.#parts.limits.preludeBytesMax} bytes came before the first content`)
    }
  }

  /** Once per chunk: what is held now against what is taken for it. */
  #account(): void {
    if (this.#state === 'failed') return
    const now = this.#heldBytes + this.#splitter.restLength
    if (now === this.#budgeted) return
    if (now < this.#budgeted) this.#parts.budget.give(this.#budgeted - now)
    else if (!this.#parts.budget.tryTake(now - this.#budgeted)) {
      this.#failWith(ownError('the gateway holds as many bytes as it may at once; try again'))
      return
    }
    this.#budgeted = now
  }

  /** Gives back what was held and goes nowhere. */
  discard(): void {
    this.#parts.budget.give(this.#budgeted)
    this.#budgeted = 0
    this.#held = []
  }

  #hold(event: PassingEvent): void {
    this.#held.push(event)
    this.#heldBytes += event.bytes.length
  }

  #commit(ending?: () => void): void {
    this.#state = 'committed'
    this.#ending = ending
    this.call.pause()
    this.#parts.owner.onAnswer(this)
  }

  /** An end without content is an answer when every choice finished and was counted; a bare terminator is none. */
  #commitEmpty(ending?: () => void): void {
    if (this.tap.isFinished && this.tap.usage !== undefined) this.#commit(ending)
    else this.#fail('the stream ended without any content')
  }

  #fail(message: string): void {
    this.#failWith({ class: 'upstream_protocol', status: 200, message })
  }

  #failWith(error: CallError): void {
    if (this.#state === 'failed') return
    if (this.#state === 'committed') {
      // It is the attempt's answer by now: whoever attaches hears of it.
      this.#ending = () => this.#sink?.onFailure(error)
      this.#parts.owner.abort()
      return
    }
    const wasAttached = this.#state === 'attached'
    this.#state = 'failed'
    this.#parts.owner.abort()
    if (wasAttached) this.#sink?.onFailure(error)
    else this.#parts.owner.onFailure(error, undefined)
  }
}
