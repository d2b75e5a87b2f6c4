import type { BulkRows, Transaction } from '../../transaction.ts'
import type { SqliteConnection } from './connection.ts'

/**
 * Runs `work` in one transaction. An `IMMEDIATE` one holds the writer's lock from its begin, as other
 * processes write too. Rolls back when it throws or says `discard`.
 */
export async function inTransaction<Result>(
  connection: SqliteConnection,
  mode: 'IMMEDIATE' | 'DEFERRED',
  work: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  let isDiscarded = false
  const tx = transactionOver(connection, () => {
    isDiscarded = true
  })
  connection.prepare(`BEGIN ${mode}`).run()
  try {
    const result = await work(tx)
    connection.prepare(isDiscarded ? 'ROLLBACK' : 'COMMIT').run()
    return result
  } catch (error) {
    if (connection.database.isTransaction) connection.prepare('ROLLBACK').run()
    throw error
  }
}

function transactionOver(connection: SqliteConnection, discard: () => void): Transaction {
  return {
    kind: 'sqlite',
    query: async (sql, parameters = []) => connection.execute(sql, parameters).rows,
    change: async (sql, parameters = []) => connection.execute(sql, parameters).changes,
    insertMissing: async rows => insertMissing(connection, rows),
    addTo: async rows => addTo(connection, rows),
    upsertSums: async rows => upsertSums(connection, rows),
    async kysely() {
      const { kyselyOver } = await import('../../kysely.ts')
      return kyselyOver('sqlite', async (sql, parameters) => connection.execute(sql, parameters))
    },
    discard,
  }
}

function insertMissing(connection: SqliteConnection, { table, key, columns, rows }: BulkRows): number[] {
  const statement = connection.prepare(
    `${insertInto(table, columns)} ON CONFLICT (${key.join(', ')}) DO NOTHING`,
  )
  const present: number[] = []
  for (const [index, row] of rows.entries()) {
    if (statement.run(...row).changes === 0n) present.push(index)
  }
  return present
}

function addTo(connection: SqliteConnection, { table, key, columns, rows }: BulkRows): void {
  const places = new Map(Object.keys(columns).map((name, index) => [name, `$${index + 1}`]))
  const sums = [...places]
    .filter(([name]) => !key.includes(name))
    .map(([name, place]) => `${name} = ${name} + ${place}`)
  const where = key.map(name => `${name} = ${places.get(name)}`)
  const statement = connection.prepare(`UPDATE ${table} SET ${sums.join(', ')} WHERE ${where.join(' AND ')}`)
  for (const row of rows) statement.run(...row)
}

function upsertSums(connection: SqliteConnection, { table, key, columns, rows }: BulkRows): void {
  const sums = Object.keys(columns)
    .filter(name => !key.includes(name))
    .map(name => `${name} = ${name} + excluded.${name}`)
  const statement = connection.prepare(
    `${insertInto(table, columns)} ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${sums.join(', ')}`,
  )
  for (const row of rows) statement.run(...row)
}

function insertInto(table: string, columns: BulkRows['columns']): string {
  const names = Object.keys(columns)
  return `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`
}
