/** The records of one write, as they stand in the file: outside the heap, so that waiting costs the collector nothing. */
export interface WrittenLines {
  readonly bytes: Buffer
  readonly lastSeq: number
  readonly records: number
}

/** A first-in-first-out queue that is bounded by its users: they stop accepting requests by `bytes`. */
export interface Uncommitted {
  push(lines: WrittenLines): void
  /** The oldest writes, as many as hold `recordsMax` records and at least one. They stay until they are dropped. */
  peek(recordsMax: number): readonly WrittenLines[]
  /** Removes the oldest `writes`: they are committed. */
  drop(writes: number): void
  /** Records that wait. */
  readonly length: number
  readonly bytes: number
}

export function createUncommitted(): Uncommitted {
  let queue: WrittenLines[] = []
  let bytes = 0
  let records = 0
  return {
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
      for (const lines of queue.slice(0, writes)) {
        bytes -= lines.bytes.length
        records -= lines.records
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
