import {
  type CompiledQuery,
  type DatabaseConnection,
  type DialectAdapter,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Tables } from './schema.ts'
import type { SqlRow, SqlValue, StoreKind } from './transaction.ts'

/** Runs one compiled statement: in this thread or another, inside a transaction or out of one. */
export type Execute = (sql: string, parameters: readonly SqlValue[]) => Promise<ExecuteResult>
interface ExecuteResult {
  readonly rows: readonly SqlRow[]
  readonly changes: number
}

/**
 * Kysely over whatever runs statements. It offers no transactions: a procedure is inside one, a reader needs
 * none.
 */
export function kyselyOver(kind: StoreKind, execute: Execute): Kysely<Tables> {
  const connection = connectionOver(execute)
  return new Kysely<Tables>({
    dialect: {
      createAdapter: (): DialectAdapter => (kind === 'sqlite' ? new SqliteAdapter() : new PostgresAdapter()),
      createQueryCompiler: (): QueryCompiler =>
        kind === 'sqlite' ? new SqliteQueryCompiler() : new PostgresQueryCompiler(),
      createIntrospector: db =>
        kind === 'sqlite' ? new SqliteIntrospector(db) : new PostgresIntrospector(db),
      createDriver: () => ({
        init: async () => {},
        acquireConnection: async () => connection,
        beginTransaction: refuseTransaction,
        commitTransaction: refuseTransaction,
        rollbackTransaction: refuseTransaction,
        releaseConnection: async () => {},
        destroy: async () => {},
      }),
    },
  })
}

function connectionOver(execute: Execute): DatabaseConnection {
  return {
    async executeQuery<Result>(query: CompiledQuery): Promise<QueryResult<Result>> {
      const { rows, changes } = await execute(query.sql, query.parameters as readonly SqlValue[])
      return { rows: rows as unknown[] as Result[], numAffectedRows: BigInt(changes) }
    },
    streamQuery() {
      throw new Error('Rows are not streamed: read them in pages, by keyset.')
    },
  }
}

async function refuseTransaction(): Promise<void> {
  throw new Error('Store.kysely reads; a write is a procedure: store.run(name, args)')
}
