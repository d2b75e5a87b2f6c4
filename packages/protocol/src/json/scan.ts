/** Byte offsets of one member of a JSON object; `keyEnd` and `valueEnd` are exclusive, the key's quotes are inside. */
export interface Member {
  readonly name: string
  /** Whether the key is written with a backslash: its bytes are not its name. */
  readonly isEscaped: boolean
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueStart: number
  readonly valueEnd: number
}

/** An object's members in their order, repeated names included. `start` is the offset of `{`, `end` the one after `}`. */
export interface ScannedObject {
  readonly start: number
  readonly end: number
  readonly members: readonly Member[]
}

export interface Span {
  readonly start: number
  readonly end: number
}

export interface ScanLimits {
  readonly jsonDepthMax: number
  readonly topLevelMembersMax: number
}

/** The text is no JSON object as far as the scan can tell. `position` is a byte offset. */
export class ScanError extends Error {
  readonly position: number
  constructor(message: string, position: number) {
    super(message)
    this.name = 'ScanError'
    this.position = position
  }
}

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const comma = 0x2c
const colon = 0x3a

/**
 * Finds the members of the object that `bytes` hold, in one pass and without building values. It is no validator: it follows
 * strings, brackets and the top level; what it lets through inside a value is the reader's to refuse. Anything but white
 * space after the object is an error, since some parsers would read a second value.
 * @throws ScanError
 */
export function scanObject(bytes: Buffer, limits: ScanLimits, span?: Span): ScannedObject {
  const last = span?.end ?? bytes.length
  const start = skipSpace(bytes, span?.start ?? 0, last)
  if (bytes[start] !== openBrace || start >= last) throw unexpected(bytes, start, last, 'an object')
  const members: Member[] = []
  let at = skipSpace(bytes, start + 1, last)
  if (bytes[at] === closeBrace && at < last) return { start, end: endOf(bytes, at + 1, last), members }
  for (;;) {
    const member = scanMember(bytes, at, last, limits)
    members.push(member)
    if (members.length > limits.topLevelMembersMax) {
      throw new ScanError(`more than ${limits.topLevelMembersMax} members in one object`, at)
    }
    at = skipSpace(bytes, member.valueEnd, last)
    if (at < last && bytes[at] === closeBrace) return { start, end: endOf(bytes, at + 1, last), members }
    if (at >= last || bytes[at] !== comma) throw unexpected(bytes, at, last, '"," or "}"')
    at = skipSpace(bytes, at + 1, last)
  }
}

/**
 * The elements of the array at `span`, each found when it is asked for: there is no bound to how many a body may have.
 * @throws ScanError
 */
export function* scanArray(bytes: Buffer, limits: ScanLimits, span: Span): Generator<Span, undefined> {
  let at = skipSpace(bytes, span.start, span.end)
  if (bytes[at] !== openBracket || at >= span.end) throw unexpected(bytes, at, span.end, 'an array')
  at = skipSpace(bytes, at + 1, span.end)
  if (at < span.end && bytes[at] === closeBracket) return undefined
  for (;;) {
    const end = skipValue(bytes, at, span.end, limits.jsonDepthMax)
    yield { start: at, end }
    at = skipSpace(bytes, end, span.end)
    if (at < span.end && bytes[at] === closeBracket) return undefined
    if (at >= span.end || bytes[at] !== comma) throw unexpected(bytes, at, span.end, '"," or "]"')
    at = skipSpace(bytes, at + 1, span.end)
  }
}

function scanMember(bytes: Buffer, at: number, last: number, limits: ScanLimits): Member {
  if (at >= last || bytes[at] !== quote) throw unexpected(bytes, at, last, 'a member name')
  const keyEnd = skipString(bytes, at, last)
  const isEscaped = hasBackslash(bytes, at, keyEnd)
  const name = isEscaped ? decodeName(bytes, at, keyEnd) : bytes.toString('utf8', at + 1, keyEnd - 1)
  const separator = skipSpace(bytes, keyEnd, last)
  if (separator >= last || bytes[separator] !== colon) throw unexpected(bytes, separator, last, '":"')
  const valueStart = skipSpace(bytes, separator + 1, last)
  const valueEnd = skipValue(bytes, valueStart, last, limits.jsonDepthMax)
  return { name, isEscaped, keyStart: at, keyEnd, valueStart, valueEnd }
}

function skipSpace(bytes: Buffer, from: number, last: number): number {
  let at = from
  while (at < last) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at++
  }
  return at
}

function skipValue(bytes: Buffer, at: number, last: number, depthMax: number): number {
  const byte = at < last ? bytes[at] : undefined
  if (byte === quote) return skipString(bytes, at, last)
  if (byte === openBrace || byte === openBracket) return skipNested(bytes, at, last, depthMax)
  return skipScalar(bytes, at, last)
}

/** Numbers, `true`, `false`, `null`: whatever is made of their characters. */
function skipScalar(bytes: Buffer, from: number, last: number): number {
  let at = from
  while (at < last && isScalarByte(bytes[at])) at++
  if (at === from) throw unexpected(bytes, at, last, 'a value')
  return at
}

function isScalarByte(byte: number | undefined): boolean {
  if (byte === undefined) return false
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e ||
    byte === 0x45
  )
}

/** Bytes that are looked at one by one before the search is handed to native code, whose call costs about as much. */
const shortString = 48

function skipString(bytes: Buffer, from: number, last: number): number {
  let at = from + 1
  const near = Math.min(last, at + shortString)
  while (at < near) {
    const byte = bytes[at]
    if (byte === quote) return at + 1
    at += byte === backslash ? 2 : 1
  }
  return skipLongString(bytes, at, last)
}

function skipLongString(bytes: Buffer, from: number, last: number): number {
  let at = from
  while (at < last) {
    const found = bytes.indexOf(quote, at)
    if (found < 0 || found >= last) break
    let before = found
    while (before > at && bytes[before - 1] === backslash) before--
    if ((found - before) % 2 === 0) return found + 1
    at = found + 1
  }
  throw new ScanError('a string does not end', last)
}

function skipNested(bytes: Buffer, from: number, last: number, depthMax: number): number {
  const closers: number[] = []
  let at = from
  while (at < last) {
    const byte = bytes[at]
    if (byte === quote) {
      at = skipString(bytes, at, last)
      continue
    }
    if (byte === openBrace || byte === openBracket) {
      if (closers.length >= depthMax) throw new ScanError(`nested deeper than ${depthMax} levels`, at)
      closers.push(byte === openBrace ? closeBrace : closeBracket)
    } else if (byte === closeBrace || byte === closeBracket) {
      if (closers.pop() !== byte) throw unexpected(bytes, at, last, 'the other bracket')
      if (closers.length === 0) return at + 1
    }
    at++
  }
  throw new ScanError('an object or array does not end', last)
}

function hasBackslash(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === backslash) return true
  return false
}

function decodeName(bytes: Buffer, start: number, end: number): string {
  try {
    return String(JSON.parse(bytes.toString('utf8', start, end)))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new ScanError('a member name has an invalid escape', start)
  }
}

function endOf(bytes: Buffer, end: number, last: number): number {
  const rest = skipSpace(bytes, end, last)
  if (rest < last) throw unexpected(bytes, rest, last, 'nothing after the object')
  return end
}

function unexpected(bytes: Buffer, at: number, last: number, expected: string): ScanError {
  const byte = at < last ? bytes[at] : undefined
  if (byte === undefined) return new ScanError(`the text ends where ${expected} is expected`, last)
  const found =
    byte > 0x20 && byte < 0x7f
      ? `"${String.fromCharCode(byte)}"`
      : `byte 0x${byte.toString(16).padStart(2, '0')}`
  return new ScanError(`found ${found} where ${expected} is expected`, at)
}
