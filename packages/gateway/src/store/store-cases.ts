import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import { createDatabase, hasPostgres, startPostgres, type TestPostgres } from '../../test/postgres.ts'
import { openStore, type StoreOptions } from './open.ts'
import type { Store } from './types.ts'

/** What the suites that run on every store get. Fresh for each `describe`: its tests share one database. */
export interface StoreCase {
  readonly kind: Store['kind']
  /** Another empty database. */
  fresh(): Promise<string>
  /** A store on the given database, closed at the end. */
  open(database: string, options?: Partial<StoreOptions>): Promise<Store>
  /** What no procedure does: a hand in the database, past the store. */
  tamper(database: string, sql: string): Promise<void>
}

/** One suite, on a SQLite file and on a real PostgreSQL; skipped there on a machine that has none. */
export function describeStores(name: string, suite: (stores: StoreCase) => void): void {
  describe(`${name} (sqlite)`, () => suite(sqliteCase()))
  describe.skipIf(!hasPostgres())(`${name} (postgres)`, () => suite(postgresCase()))
}

function sqliteCase(): StoreCase {
  const folder = mkdtempSync(join(tmpdir(), 'yumen-store-'))
  const opened = closedAtTheEnd()
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  let last = 0
  return {
    kind: 'sqlite',
    async fresh() {
      last += 1
      return join(folder, `${last}.db`)
    },
    open: (database, options) => opened(openStore({ sqlitePath: database, migrate: true, ...options })),
    async tamper(database, sql) {
      using connection = new DatabaseSync(database, { timeout: 5_000 })
      connection.exec(sql)
    },
  }
}

function postgresCase(): StoreCase {
  let own: TestPostgres | undefined
  let address: string | undefined = inject('postgresAddress')
  beforeAll(async () => {
    if (address !== undefined) return
    own = await startPostgres()
    address = own?.address
  })
  afterAll(() => own?.stop())
  const opened = closedAtTheEnd()
  return {
    kind: 'postgres',
    async fresh() {
      if (address === undefined)
        throw new Error('no PostgreSQL on this machine: install it, its tests are part of all')
      return createDatabase(address)
    },
    open: (database, options) => opened(openStore({ dsn: database, migrate: true, ...options })),
    async tamper(database, sql) {
      const client = new pg.Client(database)
      await client.connect()
      await client.query(sql).finally(() => client.end())
    },
  }
}

/** Hooks run in reverse: stores close before their server stops. */
function closedAtTheEnd(): (opening: Promise<Store>) => Promise<Store> {
  const stores: Store[] = []
  afterAll(async () => {
    for (const store of stores) await store.close()
  })
  return async opening => {
    const store = await opening
    stores.push(store)
    return store
  }
}
