import type { ServerResponse } from 'node:http'

/** What a client is sent: a whole answer by one `writeHead` and one `end`, or a stream. */
export interface Reply {
  /** Whether the head is out: from here on an error can only be an event of the stream. */
  readonly isStarted: boolean
  /** Whether nothing more can reach the client: it left, or it has all. */
  readonly isClosed: boolean
  /** Whether the client reads more slowly than we write. */
  readonly isFull: boolean
  /** Who has to know that the client left before it had all. */
  watcher: GoneWatcher | undefined
  sendWhole(status: number, headers: readonly string[], body: Buffer | string): void
  startStream(headers: readonly string[]): void
  /** Complete events only. */
  write(bytes: Buffer | string): void
  end(bytes?: Buffer | string): void
  /** Once, when the client has caught up. */
  onceDrained(resume: () => void): void
  /** Cuts the connection: for a client that takes nothing any more. */
  destroy(): void
}

export interface GoneWatcher {
  onGone(): void
}

const oneWriteBytesMax = 16 * 1024

/** `isForPage`: the request came from a web page, whose browser shows it the answer only where that says so. */
export function createReply(response: ServerResponse, { isForPage }: { readonly isForPage: boolean }): Reply {
  return new HttpReply(response, isForPage ? forPages : [])
}

class HttpReply implements Reply {
  watcher: GoneWatcher | undefined
  readonly #response: ServerResponse
  /** Headers of every answer of this request. */
  readonly #more: readonly string[]
  /** Whether the stream's chunks are framed here. */
  #isChunked = false

  constructor(response: ServerResponse, more: readonly string[]) {
    this.#response = response
    this.#more = more
    response.on('close', () => {
      if (!response.writableFinished) this.watcher?.onGone()
    })
    // A write to a client that left: `close` follows and says so.
    response.on('error', () => undefined)
  }

  get isStarted(): boolean {
    return this.#response.headersSent
  }

  get isClosed(): boolean {
    return this.#response.destroyed || this.#response.writableEnded
  }

  get isFull(): boolean {
    return this.#response.writableNeedDrain
  }

  sendWhole(status: number, headers: readonly string[], body: Buffer | string): void {
    if (this.isClosed) return
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    this.#response.writeHead(status, [...headers, ...this.#more, 'content-length', String(length)])
    // As one text with the head it is one write; a buffer would be a second one.
    if (typeof body !== 'string' && length <= oneWriteBytesMax)
      this.#response.end(body.toString('latin1'), 'latin1')
    else this.#response.end(body)
  }

  startStream(headers: readonly string[]): void {
    if (this.isClosed || this.isStarted) return
    this.#response.writeHead(200, [...headers, ...this.#more])
    // Node frames a chunk by four writes; framed here it is one buffer and one write, a tenth of a frame's cost.
    this.#isChunked = this.#response.chunkedEncoding
    this.#response.chunkedEncoding = false
  }

  write(bytes: Buffer | string): void {
    if (!this.isClosed && bytes.length > 0) this.#response.write(this.#isChunked ? frameChunk(bytes) : bytes)
  }

  end(bytes?: Buffer | string): void {
    if (this.isClosed) return
    const rest = bytes === undefined || bytes.length === 0 ? undefined : bytes
    if (this.#isChunked) this.#response.end(rest === undefined ? lastChunk : frameChunk(rest, lastChunk))
    else this.#response.end(rest)
  }

  onceDrained(resume: () => void): void {
    this.#response.once('drain', resume)
  }

  destroy(): void {
    this.#response.destroy()
  }
}

/** Clients that live in web pages may read every answer, and its headers: a key is in each request, and no cookie counts. */
const forPages = ['access-control-allow-origin', '*', 'access-control-expose-headers', '*'] as const

const lastChunk = '0\r\n\r\n'

/** One chunk of a chunked body, and what follows it (RFC 9112 §7.1). */
function frameChunk(bytes: Buffer | string, after = ''): Buffer {
  const length = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
  const head = `${length.toString(16)}\r\n`
  const framed = Buffer.allocUnsafe(head.length + length + 2 + after.length)
  framed.write(head, 'latin1')
  if (typeof bytes === 'string') framed.write(bytes, head.length)
  else bytes.copy(framed, head.length)
  framed.write(`\r\n${after}`, head.length + length, 'latin1')
  return framed
}
