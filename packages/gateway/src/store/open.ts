import { openSqliteStore } from './dialects/sqlite/sqlite-store.ts'
import { type DsnParts, parseDsn, type StoreAddress } from './dsn.ts'
import { storeLimits } from './limits.ts'
import type { MigrationStatus } from './migrations/migration.ts'
import type { Store } from './types.ts'

export interface StoreOptions extends DsnParts {
  /**
   * Brings the schema up to date first. Without it a pending migration is no error: `migrationStatus` tells.
   */
  readonly migrate: boolean
  /** Wall clock for what migrations write down; milliseconds UTC. */
  readonly now?: () => number
  readonly limits?: Partial<Record<keyof typeof storeLimits, number>>
}

/**
 * Opens the store that the environment names: `dsn` is `SQL_DSN`, `sqlitePath` is `SQLITE_PATH`. Fails with
 * `newer_schema` when a newer Yumen wrote it, `invalid` when the DSN is not understood, `unavailable` when it
 * cannot be reached.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const store = await connect(options)
  try {
    if (options.migrate) await migrate(store, options.now)
    else await migrationStatus(store)
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

/**
 * Runs pending migrations; answers their names. `newer_schema` when there is one that this program does not
 * know.
 */
export function migrate(store: Store, now: () => number = Date.now): Promise<readonly string[]> {
  return store.run('migrate', { now: now() })
}

export function migrationStatus(store: Store): Promise<MigrationStatus> {
  return store.run('migrationStatus', {})
}

async function connect(options: StoreOptions): Promise<Store> {
  const address = parseDsn(options)
  const limits = { ...storeLimits, ...options.limits } as typeof storeLimits
  if (address.kind === 'sqlite') {
    return openSqliteStore({ path: address.path, limits, clock: () => performance.now() })
  }
  const { openPostgresStore } = await import('./dialects/postgres/postgres-store.ts')
  return openPostgresStore({ url: address.url, limits })
}

/** Where the environment says that the data is. */
export function openStoreAt(address: StoreAddress, options: Pick<StoreOptions, 'migrate'>): Promise<Store> {
  return address.kind === 'sqlite'
    ? openStore({ sqlitePath: address.path, ...options })
    : openStore({ dsn: address.url, ...options })
}
