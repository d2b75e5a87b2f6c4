/**
 * Just enough of HTTP/1.1 to read a gateway's answers, cheap enough that the generator is not what is
 * measured: a status, then a body by content-length or in chunks. A body that ends with its connection is not
 * accepted.
 */
export interface ResponseSink {
  onHead(status: number): void
  onBody(piece: Buffer): void
  onEnd(): void
}

export interface ResponseParser {
  /** Throws on bytes that are no HTTP. */
  push(bytes: Buffer): void
}

type State = 'head' | 'body' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer'

const headBytesMax = 64 * 1024
const lineBytesMax = 1024
const carriageReturn = 13
const lineFeed = 10

/** Where in an answer the bytes have come to. */
interface Progress {
  state: State
  /** An unfinished head, else an unfinished chunk-size line. */
  held: Buffer | undefined
  /** Bytes of the body or chunk still to come. */
  missing: number
  /** Of the trailer line under way. */
  lineLength: number
  readonly sink: ResponseSink
}

/** Each reads from `at` and gives where the next one goes on. */
const readers: Record<State, (progress: Progress, bytes: Buffer, at: number) => number> = {
  head: readHead,
  body: readBody,
  chunk: readBody,
  'chunk-size': readChunkSize,
  'chunk-end': readLineEnd,
  trailer: readLineEnd,
}

export function createResponseParser(sink: ResponseSink): ResponseParser {
  const progress: Progress = { state: 'head', held: undefined, missing: 0, lineLength: 0, sink }
  return {
    push(bytes) {
      let at = 0
      while (at < bytes.length) at = readers[progress.state](progress, bytes, at)
    },
  }
}

function readHead(progress: Progress, bytes: Buffer, at: number): number {
  const { held } = progress
  const whole = held === undefined ? bytes.subarray(at) : Buffer.concat([held, bytes.subarray(at)])
  const end = whole.indexOf('\r\n\r\n')
  if (end < 0) {
    if (whole.length > headBytesMax) throw new Error('the head of an answer is over 64 KB')
    progress.held = whole
    return bytes.length
  }
  progress.held = undefined
  const next = at + end + 4 - (held?.length ?? 0)
  const framing = parseHead(whole.toString('latin1', 0, end))
  if (framing.status >= 100 && framing.status < 200) return next
  progress.sink.onHead(framing.status)
  progress.missing = framing.length ?? 0
  progress.state = framing.length === undefined ? 'chunk-size' : 'body'
  if (framing.length === 0) finish(progress)
  return next
}

function readChunkSize(progress: Progress, bytes: Buffer, at: number): number {
  const end = bytes.indexOf(lineFeed, at)
  const line = bytes.subarray(at, end < 0 ? bytes.length : end)
  const whole = progress.held === undefined ? line : Buffer.concat([progress.held, line])
  if (whole.length > lineBytesMax) throw new Error('the size of a chunk is over 1 KB long')
  progress.held = end < 0 ? whole : undefined
  if (end < 0) return bytes.length
  progress.missing = Number.parseInt(whole.toString('latin1'), 16)
  if (Number.isNaN(progress.missing)) throw new Error('the size of a chunk is no number')
  progress.lineLength = 0
  progress.state = progress.missing === 0 ? 'trailer' : 'chunk'
  return end + 1
}

function readBody(progress: Progress, bytes: Buffer, at: number): number {
  const end = Math.min(bytes.length, at + progress.missing)
  progress.missing -= end - at
  progress.sink.onBody(bytes.subarray(at, end))
  if (progress.missing > 0) return end
  if (progress.state === 'body') finish(progress)
  else progress.state = 'chunk-end'
  return end
}

/** The line end after a chunk, or the lines after the last one, of which an empty one ends the answer. */
function readLineEnd(progress: Progress, bytes: Buffer, at: number): number {
  const byte = bytes[at]
  if (byte !== lineFeed) {
    if (byte !== carriageReturn) progress.lineLength++
  } else if (progress.state === 'chunk-end') {
    progress.state = 'chunk-size'
  } else if (progress.lineLength === 0) {
    finish(progress)
  } else {
    progress.lineLength = 0
  }
  return at + 1
}

function finish(progress: Progress): void {
  progress.state = 'head'
  progress.sink.onEnd()
}

function parseHead(head: string): { readonly status: number; readonly length: number | undefined } {
  if (!head.startsWith('HTTP/1.')) throw new Error(`not an answer: ${head.slice(0, 40)}`)
  const status = Number(head.slice(9, 12))
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) return { status, length: Number(length) }
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return { status, length: undefined }
  return { status, length: 0 }
}
