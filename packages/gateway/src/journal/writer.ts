import { closeSync, fdatasync, fdatasyncSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs'
import { segmentPath } from './folder.ts'
import { encodeLine, type SegmentHeader, segmentFormat } from './segment.ts'

export interface WriterParts {
  readonly path: string
  readonly header: Omit<SegmentHeader, 'format' | 'firstSeq'>
  readonly limits: { readonly journalSegmentBytes: number; readonly journalKeepBytesMax: number }
}

interface Segment {
  readonly path: string
  readonly descriptor: number
  bytes: number
  lastSeq: number
}

/** The segments of one node. All writing is synchronous and whole: a failed write leaves the file as it was before. */
export interface Writer {
  /** Appends whole lines, the last of which has the sequence number `lastSeq`, by one write. Throws what the system says. */
  write(lines: Buffer, lastSeq: number): void
  /** Hands what is written to the disk, on a thread of the system's pool. One at a time: the caller waits for `done`. */
  sync(done: (error: Error | null) => void): void
  /** Lets go of segments that are wholly committed, but for the newest ones that stay for forensics. */
  discard(committedSeq: number): void
  /** Bytes of all segments that exist. */
  readonly bytes: number
  close(): void
}

export function createWriter({ path, header, limits }: WriterParts): Writer {
  const old: Segment[] = []
  /** Descriptors of full segments; a sync of one may still be under way, so they are closed behind the next. */
  let replaced: number[] = []
  let current = open(1)
  let oldBytes = 0

  function open(firstSeq: number): Segment {
    const file = segmentPath(path, firstSeq)
    const segment: Segment = {
      path: file,
      descriptor: openSync(file, 'ax', 0o600),
      bytes: 0,
      lastSeq: firstSeq - 1,
    }
    append(segment, Buffer.from(encodeLine(JSON.stringify({ format: segmentFormat, ...header, firstSeq }))))
    return segment
  }

  function append(segment: Segment, bytes: Buffer): void {
    let written = 0
    try {
      while (written < bytes.length) written += writeSync(segment.descriptor, bytes, written)
    } catch (error) {
      if (written > 0) ftruncateSync(segment.descriptor, segment.bytes)
      throw error
    }
    segment.bytes += bytes.length
  }

  function rotate(): void {
    const next = open(current.lastSeq + 1)
    fdatasyncSync(current.descriptor)
    replaced.push(current.descriptor)
    old.push(current)
    oldBytes += current.bytes
    current = next
  }

  return {
    write(lines, lastSeq) {
      if (current.bytes >= limits.journalSegmentBytes) rotate()
      append(current, lines)
      current.lastSeq = lastSeq
    },
    sync(done) {
      const closing = replaced
      replaced = []
      fdatasync(current.descriptor, error => {
        for (const descriptor of closing) closeSync(descriptor)
        done(error)
      })
    },
    discard(committedSeq) {
      while (oldBytes > limits.journalKeepBytesMax) {
        const oldest = old[0]
        if (oldest === undefined || oldest.lastSeq > committedSeq) return
        rmSync(oldest.path, { force: true })
        oldBytes -= oldest.bytes
        old.shift()
      }
    },
    get bytes() {
      return oldBytes + current.bytes
    },
    close() {
      for (const descriptor of replaced) closeSync(descriptor)
      fdatasyncSync(current.descriptor)
      closeSync(current.descriptor)
    },
  }
}
