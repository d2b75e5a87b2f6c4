import type { JournalRecord } from './record.ts'
import { encodeLine } from './segment.ts'
import { createUncommitted, type Uncommitted } from './uncommitted.ts'
import type { Writer } from './writer.ts'

export interface JournalLimits {
  readonly journalBytesMax: number
  readonly journalQueueBytesMax: number
  readonly journalSyncMs: number
  readonly journalWriteMsMax: number
}

export interface JournalParts {
  readonly writer: Writer
  readonly limits: JournalLimits
  /** `group`: the disk is told every `journalSyncMs`; `always`: an append is released when its bytes are on the disk. */
  readonly syncMode: () => 'group' | 'always'
  /** Monotonic milliseconds. */
  readonly clock: () => number
  readonly crashPoint: (step: string) => void
  readonly onFailure: (error: unknown) => void
}

/** Called when the record is in the file, or with the reason why it is not. */
export type Released = (failure: unknown) => void

/** This node's append-only file: the only road from the relay to the store. */
export interface Journal {
  /** Queues a record; all records of one turn of the event loop go out by one write, then their `released` run in order. */
  append(record: JournalRecord, released?: Released): void
  /** False while the journal cannot take more: its space is used up, its disk is slow or failing, or the store lags behind. */
  readonly isAccepting: boolean
  /** Records that are in the file and not yet in the store; the committer takes them. */
  readonly uncommitted: Uncommitted
  readonly bytes: number
  /** Writes what is queued, syncs and closes. */
  close(): void
}

export function createJournal(parts: JournalParts): Journal {
  return new FileJournal(parts)
}

class FileJournal implements Journal {
  readonly #parts: JournalParts
  #seq = 0
  #queue: string[] = []
  #releases: (Released | undefined)[] = []
  #isScheduled = false
  #isFailing = false
  #slowUntil = 0
  #isDirty = false
  #isSyncing = false
  #waitingForSync: { released: (Released | undefined)[] }[] = []
  readonly #syncTimer: NodeJS.Timeout
  readonly uncommitted = createUncommitted()

  constructor(parts: JournalParts) {
    this.#parts = parts
    this.#syncTimer = setInterval(() => this.#sync(), parts.limits.journalSyncMs)
    this.#syncTimer.unref()
  }

  get isAccepting(): boolean {
    const { limits, writer, clock } = this.#parts
    return (
      !this.#isFailing &&
      this.uncommitted.bytes < limits.journalQueueBytesMax &&
      writer.bytes < limits.journalBytesMax &&
      (this.#slowUntil === 0 || clock() > this.#slowUntil)
    )
  }

  get bytes(): number {
    return this.#parts.writer.bytes
  }

  append(record: JournalRecord, released?: Released): void {
    this.#seq++
    this.#queue.push(encodeLine(JSON.stringify({ seq: this.#seq, record })))
    this.#releases.push(released)
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#flush())
  }

  close(): void {
    clearInterval(this.#syncTimer)
    this.#flush()
    this.#parts.writer.close()
    releaseAll(this.#waitingForSync.splice(0))
  }

  #flush(): void {
    this.#isScheduled = false
    if (this.#queue.length === 0) return
    const lines = this.#queue
    const releases = this.#releases
    this.#queue = []
    this.#releases = []
    this.#parts.crashPoint('before-journal')
    const failure = this.#write(lines)
    this.#parts.crashPoint('after-journal')
    if (failure === undefined && this.#parts.syncMode() === 'always') {
      this.#waitingForSync.push({ released: releases })
      this.#sync()
      return
    }
    for (const released of releases) released?.(failure)
    this.#parts.crashPoint('after-release')
  }

  /** One write for the whole turn. What failed is not in the file: its requests are told so, and none is charged. */
  #write(lines: readonly string[]): unknown {
    const { writer, clock, limits } = this.#parts
    const bytes = this.uncommitted.encode(lines.join(''))
    const startedAt = clock()
    try {
      writer.write(bytes, this.#seq)
    } catch (error) {
      this.uncommitted.discard(bytes)
      // Nothing of it is in the file: its numbers are given again, so that a gap always means damage.
      this.#seq -= lines.length
      this.#fail(error)
      return error
    }
    const endedAt = clock()
    if (endedAt - startedAt > limits.journalWriteMsMax) this.#slowUntil = endedAt + 1_000
    this.#isFailing = false
    this.#isDirty = true
    this.uncommitted.push({ bytes, lastSeq: this.#seq, records: lines.length })
    return undefined
  }

  #fail(error: unknown): void {
    this.#isFailing = true
    setTimeout(() => this.#probe(), 1_000).unref()
    this.#parts.onFailure(error)
  }

  /** After a failed write new requests are refused; once a second one is let through to find out. */
  #probe(): void {
    this.#isFailing = false
  }

  #sync(): void {
    if (this.#isSyncing || !this.#isDirty) return
    this.#isSyncing = true
    this.#isDirty = false
    const waiting = this.#waitingForSync
    this.#waitingForSync = []
    this.#parts.writer.sync(error => {
      this.#isSyncing = false
      // The records are in the file and will be charged: their answers go out, and no new requests come in.
      if (error !== null) this.#fail(error)
      releaseAll(waiting)
      if (waiting.length > 0) this.#parts.crashPoint('after-release')
      if (this.#waitingForSync.length > 0) this.#sync()
    })
  }
}

function releaseAll(waiting: readonly { readonly released: readonly (Released | undefined)[] }[]): void {
  for (const { released } of waiting) for (const release of released) release?.(undefined)
}
