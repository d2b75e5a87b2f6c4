import type { UpstreamError, UpstreamErrorClass } from '@yumen/protocol'
import type { Dispatcher } from 'undici'
import type { TimeLimits } from '#catalog'
import type { Listed } from '../roster.ts'

/** Why a call came to nothing. `isOurs`: the gateway ended it for its own reasons, which say nothing of the upstream. */
export interface CallError extends UpstreamError {
  readonly isOurs?: true
}

/** The gateway has no room for what comes, or is going down. */
export function ownError(message: string): CallError {
  return { class: 'overloaded', status: 0, message, isOurs: true }
}

/** What one call to an upstream has to say to whoever waits for it. Methods are called in this order, on the event loop. */
export interface CallListener {
  /** The status and headers of the answer. */
  onHead(status: number, headers: UpstreamHeaders): void
  onData(chunk: Buffer): void
  onEnd(): void
  /** No answer, or no end of one: the call is over. */
  onFailure(error: CallError): void
  /** Nobody will use what was collected. */
  discard?(): void
}

export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>

/**
 * One call: the client library's handler, with deadlines as numbers that the sweep of all live calls looks at. There is no timer
 * per call: even on a warm connection the library sends a turn later, so each call would make one and cancel it.
 */
export class UpstreamCall implements Dispatcher.DispatchHandler, Listed {
  place = -1
  /** Whether the request's head and body were handed to the connection: from here on the upstream may work, and bill. */
  isSent = false
  /** When the upstream last sent something, on the relay's clock. */
  lastDataAt: number
  readonly #limits: TimeLimits
  readonly #listener: CallListener
  readonly #clock: () => number
  readonly #startedAt: number
  readonly #endsAt: number
  readonly #onOver: () => void
  #controller: Dispatcher.DispatchController | undefined
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
    this.lastDataAt = this.#startedAt
    this.#endsAt = parts.endsAt
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Called by the sweep. */
  checkDeadlines(now: number): void {
    if (this.#isOver) return
    const { connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs } = this.#limits
    if (now >= this.#endsAt)
      this.fail('upstream_timeout', 'the whole request took longer than its time limit')
    else if (!this.isSent) {
      if (now - this.#startedAt >= connectTimeoutMs)
        this.fail('upstream_timeout', `no connection within ${connectTimeoutMs} ms`)
    } else if (!this.#hasData && now - this.#startedAt >= firstByteTimeoutMs) {
      this.fail('upstream_timeout', `no byte of an answer within ${firstByteTimeoutMs} ms`)
    } else if (this.#hasData && !this.#isPaused && now - this.lastDataAt >= idleTimeoutMs) {
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
    this.lastDataAt = this.#clock()
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

  /** Ends the call for the gateway's own reasons. */
  shed(message: string): void {
    if (this.#isOver) return
    this.abort()
    this.#listener.onFailure(ownError(message))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) {
      controller.abort(new Error('the call was given up before it had a connection'))
      return
    }
    this.#controller = controller
    this.isSent = true
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: UpstreamHeaders,
  ): void {
    if (this.#isOver || status < 200) return
    this.lastDataAt = this.#clock()
    this.#listener.onHead(status, headers)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return
    this.#hasData = true
    this.lastDataAt = this.#clock()
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

  #finish(): void {
    this.#isOver = true
    this.#onOver()
  }
}

/** What the network did, by the error's code: the text is for the log only. */
function readTransportError(error: Error): UpstreamError {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const isTimeout = code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT'
  const isProtocol =
    code !== undefined && (code.startsWith('HPE_') || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH')
  const errorClass = isTimeout ? 'upstream_timeout' : isProtocol ? 'upstream_protocol' : 'upstream_error'
  return {
    class: errorClass,
    status: 0,
    message: error.message,
    ...(code !== undefined && { upstreamCode: code }),
  }
}
