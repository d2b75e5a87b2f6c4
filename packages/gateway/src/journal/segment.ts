import { crc32 } from 'node:zlib'

/**
 * A journal segment is text: one line a record, `<crc32 of the rest, 8 hex digits> <JSON>\n`. The first line is the header.
 * The CRC tells a torn or damaged record from a whole one; lines keep a segment readable with ordinary tools.
 */
export const segmentFormat = 1

export interface SegmentHeader {
  readonly format: number
  readonly installation: string
  readonly epoch: number
  readonly node: string
  readonly firstSeq: number
}

export interface SegmentLine {
  readonly seq: number
  /** JSON text of a `NumberedRecord`. */
  readonly text: string
}

export interface DecodedSegment {
  readonly header: SegmentHeader
  readonly lines: readonly SegmentLine[]
  /** Lines that fail their CRC and have whole ones behind them: damage, not a crash in mid-write. */
  readonly damaged: number
}

export function encodeLine(json: string): string {
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
}

/** Reads what is whole. `undefined` when not even the header is: the process died before its first record. */
export function decodeSegment(content: string): DecodedSegment | undefined {
  const [first, ...rest] = content.split('\n').map(decodeLine)
  if (first === undefined) return undefined
  const header = parseHeader(first)
  const lines: SegmentLine[] = []
  let damaged = 0
  let badSinceWhole = 0
  for (const json of rest) {
    if (json === undefined) {
      badSinceWhole++
      continue
    }
    damaged += badSinceWhole
    badSinceWhole = 0
    lines.push({ seq: seqOf(json), text: json })
  }
  return { header, lines, damaged }
}

/** Whole lines without a header, as a write holds them. */
export function decodeLines(content: string): SegmentLine[] {
  return content.split('\n').flatMap(line => {
    const text = decodeLine(line)
    return text === undefined ? [] : [{ seq: seqOf(text), text }]
  })
}

function decodeLine(line: string): string | undefined {
  const json = line.slice(9)
  if (line[8] !== ' ' || json === '') return undefined
  return Number.parseInt(line.slice(0, 8), 16) === crc32(json) ? json : undefined
}

function parseHeader(json: string): SegmentHeader {
  const header: unknown = JSON.parse(json)
  if (!isHeader(header)) throw new JournalFormatError('the header of a journal segment is not one of ours')
  if (header.format > segmentFormat) {
    throw new JournalFormatError(
      `a journal was written by a newer Yumen (format ${header.format}, this one reads ${segmentFormat}); start that version`,
    )
  }
  return header
}

function isHeader(value: unknown): value is SegmentHeader {
  return (
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    typeof value.format === 'number' &&
    'installation' in value &&
    typeof value.installation === 'string' &&
    'epoch' in value &&
    typeof value.epoch === 'number' &&
    'node' in value &&
    typeof value.node === 'string' &&
    'firstSeq' in value &&
    typeof value.firstSeq === 'number'
  )
}

/** Every record begins `{"seq":N,`: read without parsing the rest. */
function seqOf(json: string): number {
  return Number.parseInt(json.slice('{"seq":'.length), 10)
}

class JournalFormatError extends Error {
  override readonly name = 'JournalFormatError'
}
