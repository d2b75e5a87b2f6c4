import { readFileSync } from 'node:fs'
import type { Batch, BatchStore } from './committer.ts'
import { type HeldFolder, holdFolder, listNodes, listSegments } from './folder.ts'
import type { JournalRecord, NumberedRecord, ProgressRecord, SettledRecord } from './record.ts'
import { type DecodedSegment, decodeSegment, encodeLine, type SegmentLine } from './segment.ts'
import { commitPiecewise, type SetAside } from './set-aside.ts'

export interface AdoptionParts {
  readonly journalDir: string
  /** This process's own node: never adopted. */
  readonly ownNode: string | undefined
  readonly installation: string
  readonly store: BatchStore & { endNode(node: string): Promise<void> }
  readonly recordsMax: number
  readonly onDamage: (damage: { node: string; records: number }) => void
  readonly onSetAside: (aside: SetAside) => void
  readonly onForeign: (foreign: { node: string; installation: string }) => void
  /** Records of a node that the store has never seen or has forgotten: an older copy of the store was put back. They stay. */
  readonly onUnknown: (unknown: { node: string; records: number }) => void
}

export interface Adoption {
  readonly node: string
  readonly records: number
  /** Requests that had no end in the journal and got one: charged for what was delivered, or nothing. */
  readonly interrupted: number
}

/**
 * Commits the journals of nodes that no longer live, each exactly once: the store's mark says how far a journal is in already,
 * and a folder goes only when all of it is. A folder of a living process is left alone.
 */
export async function adoptJournals(parts: AdoptionParts): Promise<Adoption[]> {
  const adoptions: Adoption[] = []
  for (const node of listNodes(parts.journalDir)) {
    if (node === parts.ownNode) continue
    const folder = holdFolder(parts.journalDir, node)
    if (folder === undefined) continue
    const adoption = await adoptFolder(parts, folder)
    if (adoption !== undefined) adoptions.push(adoption)
  }
  return adoptions
}

async function adoptFolder(parts: AdoptionParts, folder: HeldFolder): Promise<Adoption | undefined> {
  let isCommitted = false
  try {
    const segments = listSegments(folder.path).map(path => decodeSegment(readFileSync(path, 'utf8')))
    const whole = segments.filter(segment => segment !== undefined)
    const foreign = whole.find(segment => segment.header.installation !== parts.installation)
    if (foreign !== undefined) {
      parts.onForeign({ node: folder.node, installation: foreign.header.installation })
      return undefined
    }
    const committed = await commitSegments(parts, folder.node, whole)
    if (committed === 'unknown') return undefined
    folder.clear()
    await parts.store.endNode(folder.node)
    isCommitted = true
    return committed.records === 0 ? undefined : committed
  } finally {
    if (isCommitted) folder.remove()
    else folder.release()
  }
}

async function commitSegments(
  parts: AdoptionParts,
  node: string,
  segments: readonly DecodedSegment[],
): Promise<Adoption | 'unknown'> {
  const damaged = segments.reduce((sum, segment) => sum + segment.damaged, 0)
  if (damaged > 0) parts.onDamage({ node, records: damaged })
  const mark = await parts.store.markOf(node)
  const lines = segments.flatMap(segment => segment.lines)
  if (mark === undefined) {
    if (lines.length === 0) return { node, records: 0, interrupted: 0 }
    parts.onUnknown({ node, records: lines.length })
    return 'unknown'
  }
  const ends = endInterrupted(lines, mark)
  const waiting = [...lines, ...ends].filter(line => line.seq > mark)
  let markBefore = mark
  for (let from = 0; from < waiting.length; from += parts.recordsMax) {
    const batch = waiting.slice(from, from + parts.recordsMax)
    const markAfter = batch.at(-1)?.seq ?? markBefore
    const records = [Buffer.from(batch.map(line => encodeLine(line.text)).join(''))]
    const answer = await commitOrPieces(parts, { nodeId: node, markBefore, markAfter, records }, batch)
    if (answer === 'stale')
      throw new Error(`the journal of node ${node} is being committed by another process`)
    markBefore = markAfter
  }
  return { node, records: waiting.length, interrupted: ends.length }
}

/** A start does not hang on one record: what the store refuses by itself is set aside. */
async function commitOrPieces(
  { store, onSetAside }: AdoptionParts,
  batch: Batch,
  lines: readonly SegmentLine[],
): Promise<'committed' | 'stale'> {
  try {
    return await store.commitBatch(batch)
  } catch (error) {
    // Away, or one record that it refuses: the pieces tell, and throw again when it is away.
    if (!(error instanceof Error)) throw error
    await commitPiecewise({ store, node: batch.nodeId, mark: batch.markBefore, lines, onSetAside })
    return 'committed'
  }
}

/**
 * Settlements for the requests that have progress but no end, numbered on from the last record: the same at every replay.
 * A gap up to the mark is of damaged records that the store has: what was open before may have ended there, and is not ended again.
 */
function endInterrupted(lines: readonly SegmentLine[], mark: number): SegmentLine[] {
  const open = new Map<string, ProgressRecord>()
  let last = 0
  for (const { seq, text } of lines) {
    if (seq > last + 1 && last < mark) open.clear()
    last = seq
    const { record }: NumberedRecord = JSON.parse(text)
    if (record.kind === 'progress') open.set(record.facts.id, record)
    else open.delete(record.facts.id)
  }
  if (last < mark) open.clear()
  let seq = last
  return [...open.values()].map(progress => {
    seq++
    const record: JournalRecord = endByCrash(progress)
    return { seq, text: JSON.stringify({ seq, record }) }
  })
}

const unknownTimings = { authenticated: 0, bodyRead: 0, planned: 0, ended: 0 }

/** It ended after its last progress: when, nobody knows. */
function endByCrash({ facts, charge, timings = unknownTimings }: ProgressRecord): SettledRecord {
  return { kind: 'settled', facts, charge, class: 'crash', status: 0, timings }
}
