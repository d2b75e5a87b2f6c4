import type { UpstreamError, UpstreamErrorClass } from '@yumen/protocol'
import type { Dispatcher } from 'undici'
import type { TimeLimits } from '#catalog'

/** What one call to an upstream has to say to whoever waits for it. Methods are called in this order, on the event loop. */
export interface CallListener {
  /** The status and headers of the answer. */
  onHead(status: number, headers: UpstreamHeaders): void
  onData(chunk: Buffer): void
  onEnd(): void
  /** No answer, or no end of one: the call is over. */
  onFailure(error: UpstreamError): void
}

export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>

/**
 * One call: the client library's handler, with deadlines as numbers. The sweep of all live calls looks at them once a second;
 * only the connection has a timer of its own, and none when it is warm.
 */
export class UpstreamCall implements Dispatcher.DispatchHandler {
  /** Whether the request's head and body were handed to the connection: from here on the upstream may work, and bill. */
  isSent = false
  readonly #limits: TimeLimits
  readonly #listener: CallListener
  readonly #clock: () => number
  readonly #startedAt: number
  readonly #endsAt: number
  readonly #onOver: () => void
  #controller: Dispatcher.DispatchController | undefined
  #connectTimer: NodeJS.Timeout | undefined
  #lastDataAt: number
  #hasData = false
  #isPaused = false
  #isOver = false

  constructor(parts: {
    readonly limits: TimeLimits
    readonly listener: CallListener
    readonly clock: () => number
    /** When the whole request has to be over, on the same clock. */
    readonly endsAt: number
    readonly onOver: () => void
  }) {
    this.#limits = parts.limits
    this.#listener = parts.listener
    this.#clock = parts.clock
    this.#onOver = parts.onOver
    this.#startedAt = parts.clock()
    this.#lastDataAt = this.#startedAt
    this.#endsAt = parts.endsAt
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** After the dispatch: a connection that is not there yet may take this long. */
  watchConnect(): void {
    if (this.isSent || this.#isOver) return
    const { connectTimeoutMs } = this.#limits
    this.#connectTimer = setTimeout(
      () => this.fail('upstream_timeout', `no connection within ${connectTimeoutMs} ms`), connectTimeoutMs,
    )
  }

  /** Called by the sweep. */
  checkDeadlines(now: number): void {
    if (this.#isOver || !this.isSent) return
    const { firstByteTimeoutMs, idleTimeoutMs } = this.#limits
    if (now >= this.#endsAt) this.fail('upstream_timeout', 'the whole request took longer than relay.totalTimeoutMs')
    else if (!this.#hasData && now - this.#startedAt >= firstByteTimeoutMs) {
      this.fail('upstream_timeout', `no byte of an answer within ${firstByteTimeoutMs} ms`)
    } else if (this.#hasData && !this.#isPaused && now - this.#lastDataAt >= idleTimeoutMs) {
      this.fail('upstream_timeout', `silence of more than ${idleTimeoutMs} ms within the answer`)
    }
  }

  pause(): void {
    this.#isPaused = true
    this.#controller?.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#lastDataAt = this.#clock()
    this.#controller?.resume()
  }

  /** Ends the call without a word to the listener: the client left, or what came is of no use. */
  abort(): void {
    if (this.#isOver) return
    const controller = this.#controller
    this.#finish()
    controller?.abort(new Error('the call was given up'))
  }

  /** Ends the call and says why. */
  fail(errorClass: UpstreamErrorClass, message: string): void {
    if (this.#isOver) return
    this.abort()
    this.#listener.onFailure({ class: errorClass, status: 0, message })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) {
      controller.abort(new Error('the call was given up before it had a connection'))
      return
    }
    this.#controller = controller
    this.isSent = true
    clearTimeout(this.#connectTimer)
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: UpstreamHeaders): void {
    if (this.#isOver || status < 200) return
    this.#lastDataAt = this.#clock()
    this.#listener.onHead(status, headers)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return
    this.#hasData = true
    this.#lastDataAt = this.#clock()
    this.#listener.onData(chunk)
  }

  onResponseEnd(): void {
    if (this.#isOver) return
    this.#finish()
    this.#listener.onEnd()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#isOver) return
    this.#finish()
    this.#listener.onFailure(readTransportError(error))
  }

  /**
   * Lets go of the library's controller: through it a finished call would hold on to the connection's next request, and so a
   * chain of dead requests would outlive the young generation (measured: 9 KB a request promoted, half of all CPU).
   */
  #finish(): void {
    this.#isOver = true
    this.#controller = undefined
    clearTimeout(this.#connectTimer)
    this.#onOver()
  }
}

/** What the network did, by the error's code: the text is for the log only. */
function readTransportError(error: Error): UpstreamError {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const isTimeout = code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT'
  const isProtocol = code !== undefined && (code.startsWith('HPE_') || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH')
  const errorClass = isTimeout ? 'upstream_timeout' : isProtocol ? 'upstream_protocol' : 'upstream_error'
  return { class: errorClass, status: 0, message: error.message, ...(code !== undefined && { upstreamCode: code }) }
}
