import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { isMoneyColumn, readInteger } from '../../rows.ts'
import type { SqlRow, SqlValue } from '../../transaction.ts'

export interface SqliteSettings {
  readonly path: string
  readonly busyTimeoutMs: number
  readonly cacheKib: number
  readonly walKeepBytes: number
  readonly statementsMax: number
  readonly rowsMax: number
}

/** One connection, synchronous. Statements stay prepared, the least recently used ones leave at the bound. */
export interface SqliteConnection {
  readonly database: DatabaseSync
  prepare(sql: string): StatementSync
  /** Runs any statement; `$1` and `?` are both places of parameters. */
  execute(sql: string, parameters: readonly SqlValue[]): { rows: SqlRow[]; changes: number }
  close(): void
}

/** SQLite's own page size. */
const pageBytes = 4_096

/**
 * Checkpoints come when the log has reached the size that it keeps, so that a page of many batches is copied
 * once. Measured with 4,096 pages for SQLite's 1,000: the slowest twentieth of batches took 24 µs a record
 * for 45.
 */
export function openForWriting(settings: SqliteSettings): SqliteConnection {
  const database = new DatabaseSync(settings.path, {
    timeout: settings.busyTimeoutMs,
    enableForeignKeyConstraints: true,
  })
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA recursive_triggers = ON;
    PRAGMA wal_autocheckpoint = ${Math.ceil(settings.walKeepBytes / pageBytes)};
    PRAGMA journal_size_limit = ${settings.walKeepBytes};
    PRAGMA cache_size = -${settings.cacheKib};
    PRAGMA mmap_size = 0;
  `)
  return connectionOver(database, settings)
}

export function openForReading(settings: SqliteSettings): SqliteConnection {
  const database = new DatabaseSync(settings.path, { timeout: settings.busyTimeoutMs, readOnly: true })
  database.exec(`
    PRAGMA query_only = ON;
    PRAGMA cache_size = -${settings.cacheKib};
    PRAGMA mmap_size = 0;
  `)
  return connectionOver(database, settings)
}

interface Prepared {
  readonly statement: StatementSync
  readonly hasRows: boolean
}

function connectionOver(
  database: DatabaseSync,
  { statementsMax, rowsMax }: SqliteSettings,
): SqliteConnection {
  const statements = new Map<string, Prepared>()

  function prepared(sql: string): Prepared {
    const known = statements.get(sql)
    if (known !== undefined) {
      statements.delete(sql)
      statements.set(sql, known)
      return known
    }
    const statement = database.prepare(sql.replaceAll(/\$(\d+)/g, '?$1'))
    statement.setReadBigInts(true)
    const entry = { statement, hasRows: statement.columns().length > 0 }
    statements.set(sql, entry)
    for (const oldest of statements.keys()) {
      if (statements.size <= statementsMax) break
      statements.delete(oldest)
    }
    return entry
  }

  return {
    database,
    prepare: sql => prepared(sql).statement,
    execute(sql, parameters) {
      const { statement, hasRows } = prepared(sql)
      if (hasRows) {
        const rows = readRows(statement.iterate(...parameters), rowsMax)
        return { rows, changes: rows.length }
      }
      return { rows: [], changes: Number(statement.run(...parameters).changes) }
    },
    close: () => database.close(),
  }
}

/**
 * Row by row, so that a thread that is ended does end; within the bound, so that a forgotten LIMIT is an
 * error.
 */
function readRows(source: Iterable<Record<string, unknown>>, rowsMax: number): SqlRow[] {
  const rows: SqlRow[] = []
  for (const row of source) {
    if (rows.length >= rowsMax)
      throw new RangeError(`a statement gave more than ${rowsMax} rows: read them in pages`)
    rows.push(readRow(row))
  }
  return rows
}

/** Changes the row in place: a report may have many. */
function readRow(row: Record<string, unknown>): SqlRow {
  for (const name in row) {
    const value = row[name]
    if (typeof value === 'bigint' && !isMoneyColumn(name)) row[name] = readInteger(name, value)
  }
  return row as SqlRow
}
