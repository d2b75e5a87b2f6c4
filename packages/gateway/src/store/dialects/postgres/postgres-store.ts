import pg from 'pg'
import type { storeLimits } from '../../limits.ts'
import { performProcedure } from '../../procedures/index.ts'
import type { ProcedureArgs, ProcedureName, ProcedureResult } from '../../procedures/types.ts'
import type { SqlRow, SqlValue } from '../../transaction.ts'
import { type Db, type Store, StoreError } from '../../types.ts'
import { asStoreError, mayRetry } from './errors.ts'
import { rowsOf, textualIntegers } from './rows.ts'
import { inTransaction } from './transaction.ts'

export interface PostgresStoreParts {
  readonly url: string
  readonly limits: typeof storeLimits
}

interface ReadAnswer {
  readonly rows: readonly SqlRow[]
  readonly changes: number
}

/**
 * Times that a transaction is begun again after a deadlock or a serialization failure: nothing of it was
 * kept.
 */
const attemptsMax = 3

/**
 * PostgreSQL, the store of many nodes. A bounded pool; every wait has a limit: for a connection, a statement,
 * a call.
 */
export async function openPostgresStore({ url, limits }: PostgresStoreParts): Promise<Store> {
  const pool = createPool(url, limits)

  async function withClient<Result>(deadlineMs: number, work: (client: pg.PoolClient) => Promise<Result>) {
    if (pool.waitingCount >= limits.pendingCallsMax) {
      throw new StoreError('unavailable', `${pool.waitingCount} calls wait for a connection to PostgreSQL`)
    }
    try {
      return await withDeadline(useClient(pool, work), deadlineMs)
    } catch (error) {
      throw asStoreError(error)
    }
  }

  async function run(name: ProcedureName, args: unknown): Promise<unknown> {
    const deadlineMs = name === 'migrate' ? limits.migrateDeadlineMs : limits.writeDeadlineMs
    return withClient(deadlineMs, client => attemptRun(client, { name, args, statementMs: deadlineMs }))
  }

  function read(sql: string, parameters: readonly SqlValue[]): Promise<ReadAnswer> {
    return withClient(limits.readDeadlineMs, async client => {
      const result = await client.query(sql, [...parameters])
      return { rows: rowsOf(result), changes: result.rowCount ?? 0 }
    })
  }

  let db: Promise<Db> | undefined
  return {
    kind: 'postgres',
    query: async <Result>(sql: string, parameters: readonly SqlValue[] = []) =>
      (await read(sql, parameters)).rows as readonly unknown[] as readonly Result[], // decoding: the caller knows its SQL
    kysely: () => (db ??= import('../../kysely.ts').then(({ kyselyOver }) => kyselyOver('postgres', read))),
    run: async <Name extends ProcedureName>(name: Name, args: ProcedureArgs<Name>) =>
      (await run(name, args)) as ProcedureResult<Name>,
    close: () => (pool.ended || pool.ending ? Promise.resolve() : pool.end()),
  }
}

function createPool(url: string, limits: typeof storeLimits): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'yumen',
    max: limits.poolConnectionsMax,
    connectionTimeoutMillis: limits.connectTimeoutMs,
    statement_timeout: limits.readDeadlineMs,
    idle_in_transaction_session_timeout: limits.writeDeadlineMs,
    keepAlive: true,
    types: textualIntegers,
  })
  // A connection that breaks while it idles leaves the pool; the next call opens another, or fails and says
  // why.
  pool.on('error', () => {})
  return pool
}

async function useClient<Result>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect()
  let isBroken = true
  try {
    const result = await work(client)
    isBroken = false
    return result
  } catch (error) {
    isBroken = asStoreError(error).code === 'unavailable'
    throw error
  } finally {
    client.release(isBroken)
  }
}

async function attemptRun(
  client: pg.PoolClient,
  {
    name,
    args,
    statementMs,
  }: { readonly name: string; readonly args: unknown; readonly statementMs: number },
): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await inTransaction(client, statementMs, tx => performProcedure(tx, name, args))
    } catch (error) {
      if (attempt >= attemptsMax || !mayRetry(error)) throw error
    }
  }
}

/** Past the deadline the caller goes on; the statement's own limit ends what still runs. */
async function withDeadline<Result>(work: Promise<Result>, deadlineMs: number): Promise<Result> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new StoreError('unavailable', `PostgreSQL did not answer within ${deadlineMs} ms`))
  }, deadlineMs)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
