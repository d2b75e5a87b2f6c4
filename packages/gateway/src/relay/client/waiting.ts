import type { RequestLog } from '../request-log.ts'
import type { LiveStream } from '../stream.ts'
import { createFraming } from './framing.ts'
import { streamHeaders } from './headers.ts'
import type { Reply } from './reply.ts'

/** Before the first event an SSE comment is the one thing that every dialect's clients skip. */
const earlyPing = ': ping\n\n'

/**
 * A stream that the upstream has accepted and that has no content yet: its client is kept awake. The head goes out with the first
 * ping, so that what fails from then on is told as an event of the stream; another candidate may still answer.
 */
export class Waiting implements LiveStream {
  place = -1
  readonly #reply: Reply
  readonly #log: RequestLog
  readonly #pingIntervalMs: number
  readonly #onCut: (message: string) => void
  #lastAt: number

  constructor(parts: {
    reply: Reply
    log: RequestLog
    pingIntervalMs: number
    now: number
    onCut: (message: string) => void
  }) {
    this.#reply = parts.reply
    this.#log = parts.log
    this.#pingIntervalMs = parts.pingIntervalMs
    this.#lastAt = parts.now
    this.#onCut = parts.onCut
  }

  sweep(now: number): void {
    if (this.#pingIntervalMs === 0 || now - this.#lastAt < this.#pingIntervalMs) return
    this.#lastAt = now
    const framing = createFraming(this.#log.target)
    this.#reply.startStream(streamHeaders(this.#log, { contentType: framing.contentType, wantsDebug: false }))
    this.#reply.write(framing.ping(earlyPing))
  }

  cut(message: string): void {
    this.#onCut(message)
  }
}
