import type { Batch, BatchStore } from './committer.ts'
import { encodeLine, type SegmentLine } from './segment.ts'

/** A record that the store does not take although it takes others. */
export interface SetAside {
  readonly node: string
  readonly line: SegmentLine
  readonly error: unknown
}

export interface PiecewiseParts {
  readonly store: BatchStore
  readonly node: string
  readonly mark: number
  readonly lines: readonly SegmentLine[]
  /** Keeps the record for the operator; it is in no book. */
  readonly onSetAside: (aside: SetAside) => void
  /** The mark has moved to this sequence number. */
  readonly onMoved?: (mark: number) => void
}

/**
 * Commits records one by one after their batch has failed. One that the store refuses while it takes others is set aside: one bad
 * record must not keep all that come after it from the books. Throws while the store takes nothing.
 */
export async function commitPiecewise(parts: PiecewiseParts): Promise<void> {
  const { store, node, mark, lines, onSetAside, onMoved } = parts
  let markBefore = mark
  for (const line of lines) {
    const place = { nodeId: node, markBefore, markAfter: line.seq }
    const error = await tryTwice(store, place, line)
    if (error !== undefined) {
      await store.commitBatch({ ...place, records: [] })
      onSetAside({ node, line, error })
    }
    markBefore = line.seq
    onMoved?.(markBefore)
  }
}

/** What the store has against the record, though it takes an empty batch in between. Throws while it takes nothing at all. */
async function tryTwice(
  store: BatchStore,
  place: Omit<Batch, 'records'>,
  { text }: SegmentLine,
): Promise<unknown> {
  const batch = { ...place, records: [Buffer.from(encodeLine(text))] }
  try {
    await store.commitBatch(batch)
    return undefined
  } catch (error) {
    if (!(error instanceof Error)) throw error
  }
  await store.commitBatch({ ...place, markAfter: place.markBefore, records: [] })
  try {
    await store.commitBatch(batch)
    return undefined
  } catch (error) {
    return error
  }
}
