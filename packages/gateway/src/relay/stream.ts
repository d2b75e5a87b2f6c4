import type { Dialect, UpstreamError } from '@yumen/protocol'
import type { Journal } from '#journal'
import type { ByteBudget } from './budget.ts'
import type { Framing } from './framing.ts'
import { toldAs } from './gateway-error.ts'
import type { GoneWatcher, Reply } from './reply.ts'
import type { RequestLog } from './request-log.ts'
import type { Rewriter } from './rewrite.ts'
import type { Listed, Roster } from './roster.ts'
import { type Ending, noteProgress, settle, type SettleParts } from './settle.ts'
import { roughCount, type TokenCounter } from './token-counter.ts'
import type { EventSink, PassingEvent, StreamAnswer } from './upstream/streamed.ts'
import { countUsage } from './usage.ts'

export interface StreamParts extends SettleParts {
  readonly journal: Journal
  readonly counter: TokenCounter
  readonly budget: ByteBudget
  readonly clock: () => number
  readonly limits: { readonly tailBytesMax: number; readonly progressTokens: number; readonly progressMs: number }
  /** Streams under way; the sweep pings their clients and keeps their progress. */
  readonly streams: Roster<LiveStream>
}

/** A stream as the sweep sees it. */
export interface LiveStream extends Listed {
  sweep(now: number): void
  /** Ends it in good form: the gateway is going down. */
  cut(message: string): void
}

export interface Delivery {
  readonly answer: StreamAnswer
  readonly dialect: Dialect
  readonly framing: Framing
  readonly reply: Reply
  readonly log: RequestLog
  /** `undefined`: bytes pass as they came. */
  readonly rewrite: Rewriter | undefined
  /** A chunk that holds nothing but usage is not for this client. */
  readonly hidesUsage: boolean
  readonly pingIntervalMs: number
  readonly idleTimeoutMs: number
  readonly head: readonly string[]
}

/** Upstream → client, up to the end. Resolves when the request is settled and its end released. */
export function stream(parts: StreamParts, delivery: Delivery): Promise<void> {
  return new Promise(resolve => {
    const running = new Streaming(parts, delivery, resolve)
    running.start()
  })
}

/**
 * Passes events on as they come and holds the tail: from the event that ends the last choice on nothing reaches the client
 * until the upstream's end was read and the settlement is in the journal. Then the tail leaves, in the same turn.
 */
class Streaming implements EventSink, LiveStream, GoneWatcher {
  place = -1
  readonly #parts: StreamParts
  readonly #delivery: Delivery
  readonly #resolve: () => void
  /** Views of one chunk that can be written at once. */
  #run: Buffer | undefined
  #tail: (Buffer | string)[] = []
  #tailBytes = 0
  #isTail = false
  #hasTerminator = false
  #isEnding = false
  #lacksFeed = false
  #lastWriteAt: number
  #fullSince: number | undefined
  #progressAt: number
  #progressChars = 0

  constructor(parts: StreamParts, delivery: Delivery, resolve: () => void) {
    this.#parts = parts
    this.#delivery = delivery
    this.#resolve = resolve
    this.#lastWriteAt = parts.clock()
    this.#progressAt = this.#lastWriteAt
  }

  start(): void {
    const { answer, reply, head, log } = this.#delivery
    this.#parts.streams.add(this)
    reply.watcher = this
    log.mark('firstByte')
    reply.startStream(head)
    answer.attach(this)
  }

  onEvent(passing: PassingEvent): void {
    if (this.#isEnding) return
    const event = this.#mendLineEnd(passing)
    if (event.reading === 'error') {
      this.#end({ kind: 'failed', error: this.#delivery.answer.tap.error })
      return
    }
    if (event.reading === 'finish') this.#isTail = true
    if (event.reading === 'end') {
      this.#isTail = true
      this.#hasTerminator = true
    }
    if (event.reading !== 'usage' || !this.#delivery.hidesUsage) this.#pass(event)
    // Nothing behind the protocol's own terminator is waited for.
    if (event.reading === 'end') this.#end({ kind: 'whole' })
  }

  onChunkEnd(): void {
    if (this.#run === undefined) return
    const run = this.#run
    this.#run = undefined
    this.#write(run)
    this.#keepProgress()
  }

  onEnd(_rest: number): void {
    if (this.#delivery.answer.tap.isFinished) this.#end({ kind: 'whole' })
    else this.#end({ kind: 'failed', error: cut })
  }

  onFailure(error: UpstreamError): void {
    // Cut after every choice had its finish: nothing of the answer is missing.
    if (this.#delivery.answer.tap.isFinished) this.#end({ kind: 'whole' })
    else this.#end({ kind: 'failed', error })
  }

  onGone(): void {
    this.#end({ kind: 'gone' })
  }

  sweep(now: number): void {
    const { pingIntervalMs, idleTimeoutMs, reply, framing, dialect } = this.#delivery
    if (reply.isFull) {
      this.#fullSince ??= now
      if (now - this.#fullSince >= idleTimeoutMs) reply.destroy()
      return
    }
    this.#fullSince = undefined
    if (pingIntervalMs > 0 && now - this.#lastWriteAt >= pingIntervalMs) this.#write(framing.ping(dialect.ping))
    if (now - this.#progressAt >= this.#parts.limits.progressMs) this.#noteProgress(now)
  }

  cut(message: string): void {
    this.#end({ kind: 'failed', error: { class: 'overloaded', status: 0, message } })
  }

  /**
   * The upstream's chunks may end between CR and LF of a blank line; the event is over then, and its LF begins the next one.
   * Clients look for CRLF CRLF (`@google/genai` 3.3), and nothing may come after the last event: the LF is put where it belongs.
   */
  #mendLineEnd(event: PassingEvent): PassingEvent {
    const { bytes } = event
    const own = this.#lacksFeed && bytes[0] === lineFeed ? bytes.subarray(1) : bytes
    this.#lacksFeed = own.at(-1) === carriageReturn && own.at(-2) === lineFeed
    if (this.#lacksFeed) return { ...event, bytes: Buffer.concat([own, feed]) }
    return own === bytes ? event : { ...event, bytes: own }
  }

  #pass(event: PassingEvent): void {
    const rewritten = this.#delivery.rewrite?.(event)
    const framed = rewritten === undefined ? this.#delivery.framing.frame(event) : this.#delivery.framing.frame(rewritten)
    if (framed.length === 0) return
    if (this.#isTail) this.#hold(framed)
    else if (typeof framed === 'string') this.#gather(Buffer.from(framed))
    else this.#gather(framed)
  }

  /** Views that follow each other in one chunk are written as one; nothing is copied for it. */
  #gather(bytes: Buffer): void {
    const run = this.#run
    if (run === undefined) {
      this.#run = bytes
    } else if (run.buffer === bytes.buffer && run.byteOffset + run.length === bytes.byteOffset) {
      this.#run = Buffer.from(run.buffer, run.byteOffset, run.length + bytes.length)
    } else {
      this.#write(run)
      this.#run = bytes
    }
  }

  #hold(framed: Buffer | string): void {
    this.#tail.push(framed)
    this.#tailBytes += framed.length
    if (this.#tailBytes > this.#parts.limits.tailBytesMax && this.#tail.length > 1) this.#end({ kind: 'whole' })
  }

  #write(bytes: Buffer | string): void {
    const { reply, answer } = this.#delivery
    reply.write(bytes)
    this.#lastWriteAt = this.#parts.clock()
    if (!reply.isFull) return
    answer.call.pause()
    reply.onceDrained(() => answer.call.resume())
  }

  #keepProgress(): void {
    const { text } = this.#delivery.answer.tap
    if (text.length - this.#progressChars >= this.#parts.limits.progressTokens * charsPerToken) this.#noteProgress(this.#lastWriteAt)
  }

  #noteProgress(now: number): void {
    const { answer, log } = this.#delivery
    this.#progressAt = now
    if (answer.tap.text.length === this.#progressChars || log.facts === undefined) return
    this.#progressChars = answer.tap.text.length
    const input = answer.tap.usage?.input ?? Math.ceil(log.facts.body.length / charsPerToken)
    noteProgress(this.#parts, log, { input, output: roughCount(answer.tap.text) })
  }

  /** Once: counts, settles, and releases the end in the turn in which the settlement is in the file. */
  #end(how: EndOfStream): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.onChunkEnd()
    const { answer, reply } = this.#delivery
    if (how.kind === 'gone') answer.call.abort()
    if (how.kind === 'failed') answer.call.abort()
    reply.watcher = undefined
    answer.call.resume()
    const { log } = this.#delivery
    const source = how.kind === 'whole' ? 'estimated' : 'counted'
    const counted = countUsage(this.#parts.counter, log, { usage: answer.tap.usage, text: answer.tap.text }, source)
    if (counted instanceof Promise) counted.then(result => this.#settle(how, result), (error: unknown) => this.#close(error))
    else this.#settle(how, counted)
  }

  #settle(how: EndOfStream, counted: Pick<Ending, 'usage' | 'source'>): void {
    const ending = { class: classOf(how), status: how.kind === 'gone' ? 0 : 200, ...counted }
    settle(this.#parts, this.#delivery.log, ending, failure => {
      if (failure !== undefined) this.#tell({ class: 'shed', message: 'the request could not be recorded; its end is withheld' })
      else if (how.kind === 'failed') this.#tell(tellFailure(how.error, this.#delivery.log.facts?.model))
      else this.#release()
      this.#close(undefined)
    })
  }

  #release(): void {
    const { reply, framing } = this.#delivery
    this.#tail.push(framing.end(this.#hasTerminator))
    reply.end(Buffer.concat(this.#tail.map(piece => typeof piece === 'string' ? Buffer.from(piece) : piece)))
  }

  #tell(error: { class: (typeof toldAs)[keyof typeof toldAs] | 'shed'; message: string }): void {
    const { reply, dialect, framing, log, answer } = this.#delivery
    reply.end(framing.frameOwn(dialect.renderErrorFrame({ ...error, requestId: log.id }, answer.tap)))
  }

  #close(error: unknown): void {
    this.#parts.streams.remove(this)
    if (error !== undefined) this.#delivery.reply.destroy()
    this.#resolve()
  }
}

type EndOfStream =
  | { readonly kind: 'whole' | 'gone' }
  | { readonly kind: 'failed'; readonly error: UpstreamError | undefined }

const charsPerToken = 4
const lineFeed = 0x0a
const carriageReturn = 0x0d
const feed = Buffer.from('\n')

const cut: UpstreamError = { class: 'upstream_error', status: 200, message: 'the upstream ended the stream before its end' }

function classOf(how: EndOfStream): string {
  if (how.kind === 'failed') return toldAs[how.error?.class ?? 'upstream_error']
  return how.kind === 'gone' ? 'client_gone' : 'ok'
}

function tellFailure(error: UpstreamError | undefined, model = 'the model') {
  const told = toldAs[error?.class ?? 'upstream_error']
  const isClients = told === 'content_policy' || told === 'context_length' || told === 'invalid_request'
  return { class: told, message: isClients && error !== undefined ? error.message : `${model} stopped answering before the end` }
}
