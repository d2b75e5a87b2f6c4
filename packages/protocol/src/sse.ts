const lineFeed = 0x0a
const carriageReturn = 0x0d

/**
 * Cuts a byte stream at the ends of its server-sent events, wherever the chunks were cut: inside a character, a CRLF or a
 * field name. A cursor, so that nothing is allocated per event but its text:
 * `push(chunk)`, then `next()` until it is false; in between the getters describe one event.
 * The bytes of all events, joined, are the bytes that came in. Source: WHATWG HTML, "Server-sent events", read 2026-11-20.
 */
export interface SseSplitter {
  /** @throws RangeError when one event grows beyond `eventBytesMax`. */
  push(chunk: Buffer): void
  next(): boolean
  /** The event with its blank line: a view, not a copy. */
  readonly bytes: Buffer
  /** Its `data:` lines joined by LF; '' when it has none (a comment). */
  readonly data: string
  /** Its `event:` field; '' when it has none. */
  readonly event: string
  /** Bytes of an event that has not ended. */
  readonly rest: Buffer
  readonly restLength: number
}

export function createSseSplitter(eventBytesMax: number): SseSplitter {
  return new Splitter(eventBytesMax)
}

class Splitter implements SseSplitter {
  bytes: Buffer = Buffer.alloc(0)
  data = ''
  event = ''
  readonly #eventBytesMax: number
  #chunk: Buffer = Buffer.alloc(0)
  /** Where the event that is being looked for begins in `#chunk`, and how far it was looked at. */
  #start = 0
  #at = 0
  /** Earlier chunks of the same event. */
  #pieces: Buffer[] = []
  #piecesBytes = 0
  #isLineEmpty = true
  #wasCarriageReturn = false
  #hasCarriageReturn = false
  #isFirst = true

  constructor(eventBytesMax: number) {
    this.#eventBytesMax = eventBytesMax
  }

  push(chunk: Buffer): void {
    if (this.#start < this.#chunk.length) {
      this.#pieces.push(this.#chunk.subarray(this.#start))
      this.#piecesBytes += this.#chunk.length - this.#start
      if (this.#piecesBytes + chunk.length > this.#eventBytesMax) {
        throw new RangeError(`one event of the stream is larger than ${this.#eventBytesMax} bytes`)
      }
    }
    this.#chunk = chunk
    this.#start = 0
    this.#at = 0
    this.#hasCarriageReturn = this.#wasCarriageReturn || chunk.includes(carriageReturn)
  }

  next(): boolean {
    const end = this.#findEnd()
    if (end < 0) return false
    const own = this.#chunk.subarray(this.#start, end)
    this.bytes = this.#pieces.length === 0 ? own : Buffer.concat([...this.#pieces, own])
    this.#pieces = []
    this.#piecesBytes = 0
    this.#start = end
    this.#read()
    return true
  }

  get restLength(): number {
    return this.#piecesBytes + this.#chunk.length - this.#start
  }

  get rest(): Buffer {
    return Buffer.concat([...this.#pieces, this.#chunk.subarray(this.#start)])
  }

  /** The offset behind the blank line that ends the event, or -1. A CR at the end of a chunk ends a line at once. */
  #findEnd(): number {
    return this.#hasCarriageReturn ? this.#findAnyEnd() : this.#findFeedEnd()
  }

  /** Where no CR is about, from line feed to line feed: a quarter of the time. */
  #findFeedEnd(): number {
    const chunk = this.#chunk
    while (this.#at < chunk.length) {
      const feed = chunk.indexOf(lineFeed, this.#at)
      const isBlank = feed === this.#at && this.#isLineEmpty
      this.#isLineEmpty = feed >= 0
      this.#at = feed < 0 ? chunk.length : feed + 1
      if (isBlank) return this.#at
    }
    return -1
  }

  #findAnyEnd(): number {
    const chunk = this.#chunk
    while (this.#at < chunk.length) {
      const byte = chunk[this.#at]
      this.#at++
      if (byte === lineFeed && this.#wasCarriageReturn) {
        this.#wasCarriageReturn = false
        continue
      }
      if (byte !== lineFeed && byte !== carriageReturn) {
        this.#isLineEmpty = false
        this.#wasCarriageReturn = false
        continue
      }
      this.#wasCarriageReturn = byte === carriageReturn
      if (this.#isLineEmpty) return this.#endAt(chunk)
      this.#isLineEmpty = true
    }
    return -1
  }

  #endAt(chunk: Buffer): number {
    if (this.#wasCarriageReturn && chunk[this.#at] === lineFeed) {
      this.#at++
      this.#wasCarriageReturn = false
    }
    return this.#at
  }

  #read(): void {
    const text = this.bytes.toString('utf8')
    let from = this.#isFirst && text.startsWith('\uFEFF') ? 1 : 0
    this.#isFirst = false
    this.data = ''
    this.event = ''
    let hasData = false
    while (from < text.length) {
      const end = lineEnd(text, from)
      if (text.startsWith('data', from)) {
        const value = fieldValue(text, from + 4, end)
        if (value !== undefined) this.data = hasData ? `${this.data}\n${value}` : value
        hasData ||= value !== undefined
      } else if (text.startsWith('event', from)) {
        this.event = fieldValue(text, from + 5, end) ?? this.event
      }
      from = end + 1
    }
  }
}

function lineEnd(text: string, from: number): number {
  const feed = text.indexOf('\n', from)
  const end = feed < 0 ? text.length : feed
  const carriage = text.indexOf('\r', from)
  return carriage >= 0 && carriage < end ? carriage : end
}

/** The value behind a field name that ends at `at`; `undefined` when the name goes on. */
function fieldValue(text: string, at: number, end: number): string | undefined {
  if (at === end) return ''
  if (text[at] !== ':') return undefined
  return text.slice(text[at + 1] === ' ' ? at + 2 : at + 1, end)
}
