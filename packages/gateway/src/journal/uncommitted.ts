import { createSlabs } from './slabs.ts'

/** The records of one write, as they stand in the file: outside the heap, so that waiting costs the collector nothing. */
export interface WrittenLines {
  readonly bytes: Buffer
  readonly lastSeq: number
  readonly records: number
}

/** A first-in-first-out queue that is bounded by its users: they stop accepting requests by `bytes`. */
export interface Uncommitted {
  /** `lines` as bytes, for the write and, once it is done, for `push`. */
  encode(lines: string): Buffer
  /** What was encoded and is not pushed: its write failed. */
  discard(bytes: Buffer): void
  push(lines: WrittenLines): void
  /** The oldest writes, as many as hold `recordsMax` records and at least one. They stay until they are dropped. */
  peek(recordsMax: number): readonly WrittenLines[]
  /** Removes the oldest `writes`: they are committed. */
  drop(writes: number): void
  /** Records that wait. */
  readonly length: number
  readonly bytes: number
}

/** The bytes of `writes` in order, those that lie side by side as one view: each holds whole lines. */
export function spansOf(writes: readonly WrittenLines[]): readonly Buffer[] {
  const spans: Buffer[] = []
  for (const { bytes } of writes) {
    const last = spans.at(-1)
    const isNext = last?.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset
    if (last === undefined || !isNext) spans.push(bytes)
    else spans[spans.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + bytes.length)
  }
  return spans
}

export function createUncommitted(): Uncommitted {
  let queue: WrittenLines[] = []
  let bytes = 0
  let records = 0
  const slabs = createSlabs()
  return {
    encode: lines => slabs.encode(lines),
    discard: bytes => slabs.release(bytes),
    push(lines) {
      queue.push(lines)
      bytes += lines.bytes.length
      records += lines.records
    },
    peek(recordsMax) {
      let sum = 0
      const end = queue.findIndex(lines => {
        sum += lines.records
        return sum >= recordsMax
      })
      // A copy: writes that come while these are on their way to the store must not be dropped with them.
      return end < 0 ? [...queue] : queue.slice(0, end + 1)
    },
    drop(writes) {
      for (let index = 0; index < writes; index++) {
        const lines = queue[index]
        if (lines === undefined) break
        bytes -= lines.bytes.length
        records -= lines.records
        slabs.release(lines.bytes)
      }
      queue = queue.slice(writes)
    },
    get length() {
      return records
    },
    get bytes() {
      return bytes
    },
  }
}
