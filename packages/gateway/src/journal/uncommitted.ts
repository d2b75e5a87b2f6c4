import type { SegmentLine } from './segment.ts'

/** A first-in-first-out queue that is bounded by its users: they stop accepting requests by `bytes`. */
export interface Uncommitted {
  push(line: SegmentLine): void
  /** At most `recordsMax` of the oldest, without removing them. */
  peek(recordsMax: number): readonly SegmentLine[]
  /** Removes the oldest `count`. */
  drop(count: number): void
  readonly length: number
  readonly bytes: number
}

/** Dropped lines are cut off in large steps: shifting the array per batch would move every waiting line each time. */
const cutAt = 4_096

export function createUncommitted(): Uncommitted {
  const lines: SegmentLine[] = []
  let dropped = 0
  let bytes = 0
  return {
    push(line) {
      lines.push(line)
      bytes += line.text.length
    },
    peek: recordsMax => lines.slice(dropped, dropped + recordsMax),
    drop(count) {
      for (let index = dropped; index < dropped + count; index++) bytes -= lines[index]?.text.length ?? 0
      dropped += count
      if (dropped < cutAt || dropped * 2 < lines.length) return
      lines.splice(0, dropped)
      dropped = 0
    },
    get length() {
      return lines.length - dropped
    },
    get bytes() {
      return bytes
    },
  }
}
