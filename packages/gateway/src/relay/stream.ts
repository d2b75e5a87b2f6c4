import type { Dialect, ErrorClass } from '@yumen/protocol'
import type { Journal } from '#journal'
import type { Framing } from './client/framing.ts'
import { LineEnds } from './client/line-ends.ts'
import { ClientOutput } from './client/output.ts'
import { Progress, type ProgressParts } from './client/progress.ts'
import type { GoneWatcher, Reply } from './client/reply.ts'
import type { Rewriter } from './client/rewrite.ts'
import { countUsage } from './client/usage.ts'
import { keptBodies, toldClassOf } from './gateway-error.ts'
import type { ByteBudget } from './incoming/budget.ts'
import type { RequestLog } from './request-log.ts'
import type { Listed, Roster } from './roster.ts'
import { type Ending, settle } from './settle.ts'
import type { TokenCounter } from './tokens/token-counter.ts'
import { type CallError, ownError } from './upstream/call.ts'
import type { EventSink, PassingEvent, StreamAnswer } from './upstream/streamed.ts'

export interface StreamParts extends ProgressParts {
  readonly journal: Journal
  readonly counter: TokenCounter
  readonly clock: () => number
  readonly limits: ProgressParts['limits'] & { readonly tailBytesMax: number }
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
  /** The held tail is taken out of it. */
  readonly budget: ByteBudget
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
  return new Promise((resolve, reject) => {
    const running = new Streaming(parts, delivery, { resolve, reject })
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
  readonly #waiting: { readonly resolve: () => void; readonly reject: (error: unknown) => void }
  readonly #output: ClientOutput
  readonly #lineEnds = new LineEnds()
  readonly #progress: Progress
  #tail: (Buffer | string)[] = []
  #tailBytes = 0
  #isTail = false
  #hasTerminator = false
  #isEnding = false

  constructor(
    parts: StreamParts,
    delivery: Delivery,
    waiting: { readonly resolve: () => void; readonly reject: (error: unknown) => void },
  ) {
    const { clock } = parts
    const { answer, reply, log } = delivery
    this.#parts = parts
    this.#delivery = delivery
    this.#waiting = waiting
    this.#output = new ClientOutput({ reply, call: answer.call, clock })
    this.#progress = new Progress(parts, { log, tap: answer.tap, now: clock() })
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
    const event = this.#lineEnds.mend(passing)
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
    if (this.#output.flush()) this.#progress.afterWrite(this.#output.lastWriteAt)
  }

  onEnd(_rest: number): void {
    if (this.#delivery.answer.tap.isFinished) this.#end({ kind: 'whole' })
    else this.#end({ kind: 'failed', error: cut })
  }

  onFailure(error: CallError): void {
    // Cut after every choice had its finish: nothing of the answer is missing.
    if (this.#delivery.answer.tap.isFinished) this.#end({ kind: 'whole' })
    else this.#end({ kind: 'failed', error })
  }

  onGone(): void {
    this.#end({ kind: 'gone' })
  }

  sweep(now: number): void {
    const { pingIntervalMs, idleTimeoutMs, reply, framing, dialect } = this.#delivery
    const fullFor = this.#output.fullFor(now)
    if (fullFor >= idleTimeoutMs) reply.destroy()
    const isSilent = now - this.#output.lastWriteAt >= pingIntervalMs
    if (pingIntervalMs > 0 && isSilent && fullFor === 0) this.#output.write(framing.ping(dialect.ping))
    this.#progress.sweep(now)
  }

  cut(message: string): void {
    this.#end({ kind: 'failed', error: ownError(message) })
  }

  #pass(event: PassingEvent): void {
    const rewritten = this.#delivery.rewrite?.(event)
    const framed =
      rewritten === undefined ? this.#delivery.framing.frame(event) : this.#delivery.framing.frame(rewritten)
    if (framed.length === 0) return
    if (this.#isTail) this.#hold(framed)
    else this.#output.gather(framed)
  }

  #hold(framed: Buffer | string): void {
    this.#tail.push(framed)
    this.#tailBytes += framed.length
    const isTooLarge = this.#tailBytes > this.#parts.limits.tailBytesMax && this.#tail.length > 1
    // Nothing is missing but what may follow the finish: where there is no room for that, it is settled now.
    if (!this.#delivery.budget.tryTake(framed.length) || isTooLarge) this.#end({ kind: 'whole' })
  }

  /** Once: counts, settles, and releases the end in the turn in which the settlement is in the file. */
  #end(how: EndOfStream): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.onChunkEnd()
    const { answer, reply } = this.#delivery
    if (how.kind !== 'whole') answer.call.abort()
    reply.watcher = undefined
    answer.call.resume()
    const { log } = this.#delivery
    const source = how.kind === 'whole' ? 'estimated' : 'counted'
    const counted = countUsage(
      this.#parts.counter,
      log,
      { usage: answer.tap.usage, text: answer.tap.text },
      source,
    )
    if (counted instanceof Promise)
      counted.then(result => this.#settle(how, result)).catch((error: unknown) => this.#close(error))
    else this.#settle(how, counted)
  }

  #settle(how: EndOfStream, counted: Pick<Ending, 'usage' | 'source'>): void {
    const ending = { class: classOf(how), status: how.kind === 'gone' ? 0 : 200, ...counted }
    settle(this.#parts, this.#delivery.log, ending, failure => {
      if (failure !== undefined)
        this.#tell({ class: 'shed', message: 'the request could not be recorded; its end is withheld' })
      else if (how.kind === 'failed') this.#tell(tellFailure(how.error, this.#delivery.log.facts?.model))
      else this.#release()
      this.#close(undefined)
    })
  }

  #release(): void {
    const { reply, framing } = this.#delivery
    this.#tail.push(framing.end(this.#hasTerminator))
    reply.end(
      Buffer.concat(this.#tail.map(piece => (typeof piece === 'string' ? Buffer.from(piece) : piece))),
    )
  }

  #tell(error: { class: ErrorClass; message: string }): void {
    const { reply, dialect, framing, log, answer } = this.#delivery
    reply.end(framing.frameOwn(dialect.renderErrorFrame({ ...error, requestId: log.id }, answer.tap)))
  }

  /** With an error the request is ended by whoever waits for it: it has no record yet. */
  #close(error: unknown): void {
    this.#parts.streams.remove(this)
    if (error === undefined) this.#waiting.resolve()
    else this.#waiting.reject(error)
  }
}

type EndOfStream =
  | { readonly kind: 'whole' | 'gone' }
  | { readonly kind: 'failed'; readonly error: CallError | undefined }

const cut: CallError = {
  class: 'upstream_error',
  status: 200,
  message: 'the upstream ended the stream before its end',
}

function classOf(how: EndOfStream): string {
  if (how.kind === 'failed') return toldClassOf(how.error)
  return how.kind === 'gone' ? 'client_gone' : 'ok'
}

function tellFailure(error: CallError | undefined, model = 'the model') {
  const told = toldClassOf(error)
  const isForClient = told === 'shed' || keptBodies.has(told)
  return {
    class: told,
    message: isForClient && error !== undefined ? error.message : `${model} stopped answering before the end`,
  }
}
