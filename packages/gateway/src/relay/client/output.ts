import type { UpstreamCall } from '../upstream/call.ts'
import type { Reply } from './reply.ts'

/** Event bytes on their way to the client: gathered per upstream chunk, written as one, held back where the client is slow. */
export class ClientOutput {
  /** On the relay's clock; pings are measured from it. */
  lastWriteAt: number
  readonly #reply: Reply
  readonly #call: UpstreamCall
  readonly #clock: () => number
  /** What is gathered; views that follow each other in one chunk are one, without a copy. */
  #pieces: Buffer[] = []
  #isPaused = false
  #fullSince: number | undefined

  constructor(parts: { reply: Reply; call: UpstreamCall; clock: () => number }) {
    this.#reply = parts.reply
    this.#call = parts.call
    this.#clock = parts.clock
    this.lastWriteAt = parts.clock()
  }

  gather(framed: Buffer | string): void {
    const bytes = typeof framed === 'string' ? Buffer.from(framed) : framed
    const last = this.#pieces.at(-1)
    if (
      last !== undefined &&
      last.buffer === bytes.buffer &&
      last.byteOffset + last.length === bytes.byteOffset
    ) {
      this.#pieces[this.#pieces.length - 1] = Buffer.from(
        last.buffer,
        last.byteOffset,
        last.length + bytes.length,
      )
    } else {
      this.#pieces.push(bytes)
    }
  }

  /** Writes what was gathered; false when there was nothing. */
  flush(): boolean {
    const [only] = this.#pieces
    if (only === undefined) return false
    const bytes = this.#pieces.length === 1 ? only : Buffer.concat(this.#pieces)
    this.#pieces = []
    // Written in the turn in which it came: the clock was just read.
    this.#writeAt(bytes, this.#call.lastDataAt)
    return true
  }

  /** Complete events only. The upstream waits while the client is full. */
  write(bytes: Buffer | string): void {
    this.#writeAt(bytes, this.#clock())
  }

  #writeAt(bytes: Buffer | string, now: number): void {
    this.#reply.write(bytes)
    this.lastWriteAt = now
    if (!this.#reply.isFull || this.#isPaused) return
    this.#isPaused = true
    this.#call.pause()
    this.#reply.onceDrained(() => {
      this.#isPaused = false
      this.#call.resume()
    })
  }

  /** Milliseconds for which the client has not taken anything, as seen by a sweep at `now`. */
  fullFor(now: number): number {
    if (!this.#reply.isFull) this.#fullSince = undefined
    else this.#fullSince ??= now
    return this.#fullSince === undefined ? 0 : now - this.#fullSince
  }
}
