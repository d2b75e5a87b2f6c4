import { decodeLines } from './segment.ts'
import { commitPiecewise, type SetAside } from './set-aside.ts'
import { spansOf, type Uncommitted } from './uncommitted.ts'

/** What the journal needs of the store; its procedure `commitBatch`. */
export interface BatchStore {
  commitBatch(batch: Batch): Promise<'committed' | 'stale'>
  /** Last committed sequence number of `node`; `undefined` when the store does not know it. */
  markOf(node: string): Promise<number | undefined>
}

export interface Batch {
  readonly nodeId: string
  readonly markBefore: number
  readonly markAfter: number
  /** Lines of the journal as they stand in its file, in pieces of whole lines. */
  readonly records: readonly Uint8Array[]
}

export interface CommitterParts {
  readonly node: string
  readonly uncommitted: Uncommitted
  readonly store: BatchStore
  readonly limits: { readonly commitIntervalMs: number; readonly commitRecordsMax: number }
  /** Monotonic milliseconds. */
  readonly clock: () => number
  readonly onCommitted: (mark: number) => void
  readonly onFailure: (error: unknown) => void
  readonly onSetAside: (aside: SetAside) => void
  readonly crashPoint: (step: string) => void
}

/** Moves the journal's records into the store, in the background and in order; one batch is under way at a time. */
export interface Committer {
  /** Commits all that is in the queue now, or fails with the reason. For the end of a process. */
  flush(): Promise<void>
  /** Milliseconds since the queue was last empty or moved; 0 while nothing waits. */
  unpostedMs(now: number): number
  stop(): void
}

/** The store says that another process has committed this node's journal: nothing of ours may be written any more. */
export class NodeLostError extends Error {
  override readonly name = 'NodeLostError'
}

/** A batch that fails this often in a row is tried record by record: it may be one of them. */
const failuresBeforePieces = 3

export function createCommitter(parts: CommitterParts): Committer {
  const { node, uncommitted, store, limits, clock, onCommitted, onFailure, onSetAside, crashPoint } = parts
  let mark = 0
  let underWay: Promise<void> | undefined
  let movedAt = clock()
  let failures = 0
  const timer = setInterval(() => {
    if (uncommitted.length === 0) movedAt = clock()
    else if (underWay === undefined) commitNext().catch(onFailure)
  }, limits.commitIntervalMs)
  timer.unref()

  function commitNext(): Promise<void> {
    underWay = commitFullBatches().finally(() => {
      underWay = undefined
    })
    return underWay
  }

  /** What the interval gathered, and more while whole batches wait: a node that ends more requests than one batch an interval keeps up. */
  async function commitFullBatches(): Promise<void> {
    do await commit()
    while (uncommitted.length >= limits.commitRecordsMax)
  }

  async function commitRecords(
    records: readonly Buffer[],
    markAfter: number,
  ): Promise<'committed' | 'stale'> {
    if (failures < failuresBeforePieces) {
      try {
        const answer = await store.commitBatch({ nodeId: node, markBefore: mark, markAfter, records })
        failures = 0
        return answer
      } catch (error) {
        failures += 1
        if (failures < failuresBeforePieces) throw error
      }
    }
    const stored = await store.markOf(node)
    if (stored !== mark) return 'stale'
    // Until all of them are through: the mark moves with each, so the batch as a whole would not fit any more.
    const lines = decodeLines(records.map(piece => piece.toString('utf8')).join('')).filter(
      line => line.seq > mark,
    )
    const onMoved = (seq: number) => {
      mark = seq
    }
    await commitPiecewise({ store, node, mark, lines, onSetAside, onMoved })
    failures = 0
    return 'committed'
  }

  async function commit(): Promise<void> {
    const writes = uncommitted.peek(limits.commitRecordsMax)
    const markAfter = writes.at(-1)?.lastSeq
    if (markAfter === undefined) return
    crashPoint('before-commit')
    const answer = await commitRecords(spansOf(writes), markAfter)
    // A commit whose answer was lost is found out by asking for the mark.
    if (answer === 'stale' && (await store.markOf(node)) !== markAfter) {
      throw new NodeLostError(
        `the store's mark of node ${node} is not ${mark}: its journal was adopted by another process`,
      )
    }
    crashPoint('after-commit')
    mark = markAfter
    movedAt = clock()
    uncommitted.drop(writes.length)
    onCommitted(mark)
  }

  return {
    async flush() {
      await underWay?.catch(onFailure)
      while (uncommitted.length > 0) await commitNext()
    },
    unpostedMs: now => (uncommitted.length === 0 ? 0 : now - movedAt),
    stop: () => clearInterval(timer),
  }
}
