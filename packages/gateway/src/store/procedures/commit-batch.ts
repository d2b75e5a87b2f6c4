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
import { accountSums, apiKeySums, type Entry, hourlySums } from './batch/sums.ts'
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
  const settled = parseRecords(records, { markBefore, markAfter })
  const requests = settled.map(({ record }) => requestRow(record))
  const charged = settled.filter(({ record }) => isCharged(record))
  const charges = charged.map(({ seq, record }) => chargeRow(record, { nodeId, seq }))

  const knownRequests = await tx.insertMissing(inTable('requests', requestColumns, ['id'], requests))
  const knownCharges = await tx.insertMissing(inTable('charges', chargeColumns, ['id', 'part'], charges))
  for (const index of knownCharges) await refuseOtherContent(tx, charges[index])

  const counted = fresh(settled, charged, {
    requests: new Set(knownRequests),
    charges: new Set(knownCharges),
  })
  await tx.addTo(accountSums(counted))
  await tx.addTo(apiKeySums(counted))
  await tx.upsertSums(hourlySums(counted))
  return 'committed'
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

const decoder = new TextDecoder()

/**
 * Between two lines of the journal: the line feed and the next one's checksum, which its reader has checked.
 */
const lineStart = /\n(?:[0-9a-f]{8} )?/g

/** One text a line: a line feed inside a JSON string is always escaped, so the lines make one array. */
function parseRecords(bytes: Uint8Array, { markBefore, markAfter }: Marks): Settled[] {
  const text = decoder.decode(bytes).trimEnd()
  const array = `\n${text}`.replaceAll(lineStart, ',').slice(1)
  const records = JSON.parse(`[${array}]`) as readonly NumberedRecord[]
  let last = markBefore
  const settled: Settled[] = []
  for (const { seq, record } of records) {
    if (seq <= last || seq > markAfter) {
      throw new StoreError(
        'invalid',
        `record ${seq} after ${last} is out of order, the batch ends at ${markAfter}`,
      )
    }
    last = seq
    if (record.kind === 'settled') settled.push({ seq, record })
  }
  return settled
}

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

/** A charge proves by its key whether it was counted; of a request without one only its own row can tell. */
function fresh(
  settled: readonly Settled[],
  charged: readonly Settled[],
  known: { readonly requests: ReadonlySet<number>; readonly charges: ReadonlySet<number> },
): Entry[] {
  const places = new Map(charged.map((entry, index) => [entry, index]))
  const entries: Entry[] = []
  for (const [index, entry] of settled.entries()) {
    const place = places.get(entry)
    const isKnown = place === undefined ? known.requests.has(index) : known.charges.has(place)
    if (!isKnown) entries.push({ record: entry.record, isCharged: place !== undefined })
  }
  return entries
}

function inTable(
  table: BulkRows['table'],
  columns: BulkRows['columns'],
  key: readonly string[],
  rows: readonly (RequestRow | ChargeRow | readonly SqlValue[])[],
): BulkRows {
  return { table, columns, key, rows }
}
