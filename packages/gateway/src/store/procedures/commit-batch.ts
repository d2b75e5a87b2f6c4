import type { NumberedRecord, SettledRecord } from '../../journal/record.ts'
import type { BulkRows, SqlValue, Transaction } from '../transaction.ts'
import { StoreError } from '../types.ts'
import {
  type ChargeRow,
  chargeColumns,
  chargeRow,
  type RequestRow,
  requestColumns,
  requestRow,
} from './batch/rows.ts'
import { BatchSums } from './batch/sums.ts'
import type { Procedure } from './index.ts'

/**
 * The hot write: a node's next records become rows, once. The mark is advanced first, so that in PostgreSQL
 * two who adopt the same journal wait for each other here. A record whose rows were there already moves no
 * sum a second time.
 */
export const commitBatch: Procedure<'commitBatch'> = async (
  tx,
  { nodeId, markBefore, markAfter, records },
) => {
  if (!(await advanceMark(tx, { nodeId, markBefore, markAfter }))) return 'stale'
  const sums = new BatchSums()
  for (const settled of slices(records, { markBefore, markAfter }))
    await insertSlice(tx, { nodeId, settled, sums })
  await tx.addTo(sums.accounts())
  await tx.addTo(sums.apiKeys())
  await tx.upsertSums(sums.hours())
  return 'committed'
}

interface Slice {
  readonly nodeId: string
  readonly settled: readonly Settled[]
  readonly sums: BatchSums
}

async function insertSlice(tx: Transaction, { nodeId, settled, sums }: Slice): Promise<void> {
  const requests = settled.map(({ record }) => requestRow(record))
  const charged = settled.filter(({ record }) => isCharged(record))
  const charges = charged.map(({ seq, record }) => chargeRow(record, { nodeId, seq }))

  const knownRequests = await tx.insertMissing(inTable('requests', requestColumns, ['id'], requests))
  const knownCharges = await tx.insertMissing(inTable('charges', chargeColumns, ['id', 'part'], charges))
  for (const index of knownCharges) await refuseOtherContent(tx, charges[index])

  const known = { requests: new Set(knownRequests), charges: new Set(knownCharges) }
  // A charge proves by its key whether it was counted; of a request without one only its own row can tell.
  let place = 0
  for (const [index, { record }] of settled.entries()) {
    const hasCharge = isCharged(record)
    const isKnown = hasCharge ? known.charges.has(place) : known.requests.has(index)
    if (hasCharge) place += 1
    if (!isKnown) sums.add(record, hasCharge)
  }
}

interface Settled {
  readonly seq: number
  readonly record: SettledRecord
}
interface Marks {
  readonly markBefore: number
  readonly markAfter: number
}

async function advanceMark(tx: Transaction, args: Marks & { readonly nodeId: string }): Promise<boolean> {
  const { nodeId, markBefore, markAfter } = args
  const changed = await tx.change('UPDATE nodes SET mark = $1 WHERE id = $2 AND mark = $3', [
    markAfter,
    nodeId,
    markBefore,
  ])
  if (changed === 1) return true
  const rows = await tx.query('SELECT mark FROM nodes WHERE id = $1', [nodeId])
  if (rows.length === 0) throw new StoreError('not_found', `there is no node ${nodeId}`)
  return false
}

/** Records that are values at one time: they die young, where a whole batch would live through collections. */
const sliceRecords = 128

/** Checks the order over all pieces: a record that is not the next one is refused. */
function* slices(
  pieces: readonly Uint8Array[],
  { markBefore, markAfter }: Marks,
): Generator<readonly Settled[]> {
  let last = markBefore
  let slice: Settled[] = []
  for (const { seq, record } of recordsOf(pieces)) {
    if (seq <= last || seq > markAfter) {
      const problem = `record ${seq} after ${last} is out of order, the batch ends at ${markAfter}`
      throw new StoreError('invalid', problem)
    }
    last = seq
    if (record.kind === 'settled') slice.push({ seq, record })
    if (slice.length < sliceRecords) continue
    yield slice
    slice = []
  }
  if (slice.length > 0) yield slice
}

/** One JSON text a line, its checksum before it or not: a line feed inside a JSON string is always escaped. */
function* recordsOf(pieces: readonly Uint8Array[]): Generator<NumberedRecord> {
  for (const { buffer, byteOffset, byteLength } of pieces) {
    const bytes = Buffer.from(buffer, byteOffset, byteLength)
    let start = 0
    while (start < bytes.length) {
      const lineEnd = bytes.indexOf(lineFeed, start)
      const end = lineEnd < 0 ? bytes.length : lineEnd
      const jsonStart = bytes[start] === openBrace ? start : start + checksumBytes
      if (end > start) yield JSON.parse(bytes.toString('utf8', jsonStart, end)) as NumberedRecord
      start = end + 1
    }
  }
}

const [lineFeed, openBrace] = [0x0a, 0x7b]

/** Eight hex digits and a space. */
const checksumBytes = 9

/**
 * What failed before anything was counted has nothing to charge; a success of no cost still has its proof.
 */
function isCharged({ class: outcome, facts, charge }: SettledRecord): boolean {
  return outcome === 'ok' || facts.usage !== undefined || charge.amount !== '0'
}

async function refuseOtherContent(tx: Transaction, row: ChargeRow | undefined): Promise<void> {
  if (row === undefined) throw new Error('a charge that conflicts is one of the batch')
  const names = Object.keys(chargeColumns)
  const [stored] = await tx.query(
    `SELECT ${names.join(', ')} FROM charges WHERE id = $1 AND part = $2`,
    row.slice(0, 2),
  )
  const other = names.find((name, index) => !isPlace(name) && String(stored?.[name]) !== String(row[index]))
  if (other === undefined) return
  throw new StoreError('ledger_conflict', `charge ${row[0]} is stored with another ${other}`)
}

/** Where a charge was journaled is no part of what it says. */
const isPlace = (column: string) => column === 'node_id' || column === 'seq'

function inTable(
  table: BulkRows['table'],
  columns: BulkRows['columns'],
  key: readonly string[],
  rows: readonly (RequestRow | ChargeRow | readonly SqlValue[])[],
): BulkRows {
  return { table, columns, key, rows }
}
