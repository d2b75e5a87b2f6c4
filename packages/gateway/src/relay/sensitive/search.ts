import { type Automaton, foldTable, start } from './automaton.ts'
import { bareFiles, files, labels, structural } from './members.ts'

export interface SearchSpan {
  readonly start: number
  readonly end: number
}

/**
 * Looks for words in the texts of JSON values, in place: strings are read byte by byte with their escapes, nothing is parsed
 * and nothing copied. A cursor: `run(bytes)` goes on for so many bytes and says whether it is through, so that a large body is
 * read in turns between which others get theirs.
 *
 * Texts are all strings but: the names of members that the dialects and JSON Schema have, the short values of those that say what a
 * part is (`type`, `role`, ids), and base64 in the members that hold files. The spans are what `scanObject` has found; what is no JSON in them is the upstream's to refuse.
 */
export class SensitiveSearch {
  #isFound = false
  readonly #bytes: Buffer
  readonly #spans: readonly SearchSpan[]
  readonly #automaton: Automaton
  readonly #folds = foldTable()
  #span = 0
  #at: number
  /** Name of the member whose value comes next; '' within an array. */
  #name = ''
  /** The string that is being read: where it is looked at as base64, or searched, up to which byte. */
  #mode: 'outside' | 'base64' | 'text' = 'outside'
  #textStart = 0
  #textEnd = 0
  #state = start

  constructor(bytes: Buffer, spans: readonly SearchSpan[], automaton: Automaton) {
    this.#bytes = bytes
    this.#spans = spans
    this.#automaton = automaton
    this.#at = spans[0]?.start ?? 0
  }

  get isFound(): boolean {
    return this.#isFound
  }

  /** Reads about `bytesMax` bytes more; true when nothing is left, or a word was found. */
  run(bytesMax: number): boolean {
    let left = bytesMax
    for (;;) {
      const span = this.#spans[this.#span]
      if (span === undefined || this.#isFound) return true
      if (left <= 0) return false
      const from = this.#at
      if (this.#mode === 'outside') this.#findText(span, left)
      else if (this.#mode === 'base64') this.#probe(left)
      else this.#search(left)
      left -= Math.max(1, this.#at - from)
      if (this.#mode === 'outside' && this.#at >= span.end) {
        this.#span++
        this.#at = this.#spans[this.#span]?.start ?? this.#at
        this.#name = ''
      }
    }
  }

  /** To the next string that is a text, at most `left` bytes on. */
  #findText(span: SearchSpan, left: number): void {
    const bytes = this.#bytes
    const last = Math.min(span.end, this.#at + left)
    let at = this.#at
    while (at < last) {
      const byte = bytes[at]
      if (byte === quote) {
        this.#at = at
        this.#enterString(span)
        return
      }
      // A bracket or a comma ends what the name before it was for.
      if (byte === comma || byte === openBracket || byte === openBrace) this.#name = ''
      at++
    }
    this.#at = at
  }

  #enterString(span: SearchSpan): void {
    const textStart = this.#at + 1
    const textEnd = endOfString(this.#bytes, textStart, span.end)
    const after = skipSpace(this.#bytes, textEnd + 1, span.end)
    this.#at = textEnd + 1
    const length = textEnd - textStart
    if (this.#bytes[after] === colon && after < span.end) {
      this.#name = length > nameBytesMax ? '' : this.#bytes.toString('latin1', textStart, textEnd)
      this.#at = after + 1
      if (length > 0 && !structural.has(this.#name)) this.#beginText(textStart, textEnd)
      return
    }
    if (length === 0 || (length <= labelBytesMax && labels.has(this.#name))) return
    this.#beginText(textStart, textEnd)
    if (!files.has(this.#name) || length < base64BytesMin) return
    const dataStart = skipDataHead(this.#bytes, textStart, textEnd)
    if (dataStart === textStart && !bareFiles.has(this.#name)) return
    this.#mode = 'base64'
    this.#at = dataStart
  }

  #beginText(textStart: number, textEnd: number): void {
    this.#textStart = textStart
    this.#textEnd = textEnd
    this.#state = start
    this.#mode = 'text'
    this.#at = textStart
  }

  /** Whether the string is base64 up to its end; else it is a text like any other. */
  #probe(left: number): void {
    const bytes = this.#bytes
    const last = Math.min(this.#textEnd, this.#at + left)
    let at = this.#at
    while (at < last && base64[bytes[at] ?? 0] === 1) at++
    if (at === this.#textEnd) {
      this.#mode = 'outside'
      this.#at = at + 1
    } else if (at < last) {
      this.#mode = 'text'
      this.#at = this.#textStart
    } else {
      this.#at = at
    }
  }

  /** Steps are whole characters: where it stops is never within an escape or an encoded character. */
  #search(left: number): void {
    const bytes = this.#bytes
    const automaton = this.#automaton
    const folds = this.#folds
    const end = this.#textEnd
    const last = Math.min(end, this.#at + left)
    let state = this.#state
    let at = this.#at
    while (at < last) {
      const byte = bytes[at] ?? 0
      let unit = byte
      let length = 1
      if (byte === backslash) {
        const letter = bytes[at + 1] ?? 0
        if (letter === smallU) {
          unit = hexOf(bytes, at + 2, end)
          length = 6
        } else {
          unit = escapes[letter] ?? letter
          length = 2
        }
      } else if (byte >= 0xf0) {
        const code =
          ((byte & 0x07) << 18) |
          (tail(bytes, at + 1) << 12) |
          (tail(bytes, at + 2) << 6) |
          tail(bytes, at + 3)
        state = automaton.next(state, 0xd7c0 + (code >> 10))
        if (automaton.isEnd(state)) break
        unit = 0xdc00 + (code & 0x3ff)
        length = 4
      } else if (byte >= 0xe0) {
        unit = ((byte & 0x0f) << 12) | (tail(bytes, at + 1) << 6) | tail(bytes, at + 2)
        length = 3
      } else if (byte >= 0xc0) {
        unit = ((byte & 0x1f) << 6) | tail(bytes, at + 1)
        length = 2
      }
      state = automaton.next(state, folds[unit] ?? 0)
      at += length
      if (automaton.isEnd(state)) break
    }
    this.#state = state
    this.#at = at
    if (automaton.isEnd(state)) this.#isFound = true
    else if (at >= end) {
      this.#mode = 'outside'
      this.#at = end + 1
    }
  }
}

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const openBracket = 0x5b
const comma = 0x2c
const colon = 0x3a
const smallU = 0x75
const escapes: Readonly<Record<number, number>> = { 98: 0x08, 102: 0x0c, 110: 0x0a, 114: 0x0d, 116: 0x09 }

const labelBytesMax = 64
const nameBytesMax = 64

const base64BytesMin = 128

/** `/` may be written with a backslash, and both alphabets are in use. */
const base64 = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9+/=_\\-]/.test(String.fromCharCode(byte)) ? 1 : 0,
)

/** Behind `data:image/png;base64,`, where the string begins so. */
function skipDataHead(bytes: Buffer, from: number, end: number): number {
  const head = /^data:[\w.+\\/;=-]{0,80};base64,/i.exec(
    bytes.toString('latin1', from, Math.min(end, from + 100)),
  )
  return from + (head?.[0].length ?? 0)
}

/** The offset of the quote that ends the string which begins at `from`, or `last`. */
function endOfString(bytes: Buffer, from: number, last: number): number {
  let at = from
  while (at < last) {
    const found = bytes.indexOf(quote, at)
    if (found < 0 || found >= last) return last
    let before = found
    while (before > from && bytes[before - 1] === backslash) before--
    if ((found - before) % 2 === 0) return found
    at = found + 1
  }
  return last
}

function skipSpace(bytes: Buffer, from: number, last: number): number {
  let at = from
  while (at < last && (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09))
    at++
  return at
}

function tail(bytes: Buffer, at: number): number {
  return (bytes[at] ?? 0) & 0x3f
}

/** Of four hex digits; anything else there is no JSON, and no word. */
function hexOf(bytes: Buffer, from: number, end: number): number {
  if (from + 4 > end) return 0
  let value = 0
  for (let at = from; at < from + 4; at++) {
    const digit = hexDigits[bytes[at] ?? 0] ?? 0
    if (digit === noDigit) return 0
    value = value * 16 + digit
  }
  return value
}

const noDigit = 0xff
const hexDigits = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = Number.parseInt(String.fromCharCode(byte), 16)
  return Number.isNaN(digit) ? noDigit : digit
})
