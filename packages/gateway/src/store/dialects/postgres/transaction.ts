import type pg from 'pg'
import type { BulkRows, SqlValue, Transaction } from '../../transaction.ts'
import { rowsOf } from './rows.ts'

/** Runs `work` in one transaction of one connection. Rolls back when it throws or says `discard`. */
export async function inTransaction<Result>(
  client: pg.ClientBase,
  statementMs: number,
  work: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  let isDiscarded = false
  const tx = transactionOver(client, () => {
    isDiscarded = true
  })
  await client.query('BEGIN')
  try {
    await client.query(`SET LOCAL statement_timeout = ${statementMs}`)
    const result = await work(tx)
    await client.query(isDiscarded ? 'ROLLBACK' : 'COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch((cause: unknown) => {
      throw new AggregateError([error, cause], 'a transaction failed and its connection with it', {
        cause: error,
      })
    })
    throw error
  }
}

function transactionOver(client: pg.ClientBase, discard: () => void): Transaction {
  async function execute(sql: string, parameters: readonly unknown[]) {
    const result = await client.query<Record<string, SqlValue>>(sql, [...parameters])
    return { rows: rowsOf(result), changes: result.rowCount ?? 0 }
  }
  return {
    kind: 'postgres',
    query: async (sql, parameters = []) => (await execute(sql, parameters)).rows,
    change: async (sql, parameters = []) => (await execute(sql, parameters)).changes,
    insertMissing: rows => insertMissing(execute, rows),
    addTo: rows => addTo(execute, rows),
    upsertSums: rows => upsertSums(execute, rows),
    async kysely() {
      const { kyselyOver } = await import('../../kysely.ts')
      return kyselyOver('postgres', execute)
    },
    discard,
  }
}

type Run = (
  sql: string,
  parameters: readonly unknown[],
) => Promise<{ rows: readonly Record<string, SqlValue>[] }>

/** A key that comes twice is new once: the second of the two was already there. */
async function insertMissing(execute: Run, bulk: BulkRows): Promise<number[]> {
  if (bulk.rows.length === 0) return []
  const { table, key } = bulk
  const { rows } = await execute(
    `INSERT INTO ${table} (${Object.keys(bulk.columns).join(', ')}) SELECT * FROM ${unnest(bulk)}
      ON CONFLICT (${key.join(', ')}) DO NOTHING RETURNING ${key.join(', ')}`,
    arraysOf(bulk),
  )
  const inserted = new Set(rows.map(row => nameOf(key.map(column => row[column]))))
  const places = key.map(column => Object.keys(bulk.columns).indexOf(column))
  const present: number[] = []
  for (const [index, row] of bulk.rows.entries()) {
    if (!inserted.delete(nameOf(places.map(place => row[place])))) present.push(index)
  }
  return present
}

const nameOf = (key: readonly unknown[]) => key.map(String).join(' ')

/**
 * Locks the rows in the order of their keys before it changes them: an UPDATE … FROM locks them as it meets
 * them.
 */
async function addTo(execute: Run, bulk: BulkRows): Promise<void> {
  if (bulk.rows.length === 0) return
  const { table, key } = bulk
  const same = key.map(name => `stored.${name} = added.${name}`).join(' AND ')
  const from = `${unnest(bulk)} AS added (${Object.keys(bulk.columns).join(', ')})`
  const order = key.map(name => `stored.${name}`).join(', ')
  const parameters = arraysOf(bulk)
  await execute(
    `SELECT ${order} FROM ${table} AS stored JOIN ${from} ON ${same}
      ORDER BY ${order} FOR NO KEY UPDATE OF stored`,
    parameters,
  )
  const sums = sumsOf(bulk).map(name => `${name} = stored.${name} + added.${name}`)
  await execute(`UPDATE ${table} AS stored SET ${sums.join(', ')} FROM ${from} WHERE ${same}`, parameters)
}

async function upsertSums(execute: Run, bulk: BulkRows): Promise<void> {
  if (bulk.rows.length === 0) return
  const { table, key } = bulk
  const sums = sumsOf(bulk).map(name => `${name} = ${table}.${name} + excluded.${name}`)
  await execute(
    `INSERT INTO ${table} (${Object.keys(bulk.columns).join(', ')}) SELECT * FROM ${unnest(bulk)}
      ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${sums.join(', ')}`,
    arraysOf(bulk),
  )
}

const sumsOf = ({ columns, key }: BulkRows) => Object.keys(columns).filter(name => !key.includes(name))

function unnest({ columns }: BulkRows): string {
  const types = Object.values(columns).map(
    (type, index) => `$${index + 1}::${type === 'text' ? 'text' : 'int8'}[]`,
  )
  return `unnest(${types.join(', ')})`
}

function arraysOf({ columns, rows }: BulkRows): SqlValue[][] {
  return Object.keys(columns).map((_, place) => rows.map(row => row[place] ?? null))
}
