import type { Transaction } from '../transaction.ts'
import { StoreError } from '../types.ts'
import { first } from './0001-first.ts'
import { leaders } from './0002-leaders.ts'
import { routing } from './0003-routing.ts'
import { healthRevision } from './0004-health-revision.ts'
import type { Migration, MigrationStatus } from './migration.ts'

const migrations: readonly Migration[] = [first, leaders, routing, healthRevision]
const known = migrations.at(-1)?.number ?? 0
/** "yumen" in ASCII: the advisory lock under which schemas change. */
const advisoryLock = 0x79756d656en

/** What has run and what has not. Reads only; an empty database is at 0. `newer_schema` as below. */
export async function migrationStatus(tx: Transaction): Promise<MigrationStatus> {
  const current = (await hasTable(tx)) ? await lastNumber(tx) : 0
  refuseNewer(current)
  return { current, known, pending: after(current).map(nameOf) }
}

/**
 * Runs what is pending; answers its names. One transaction: SQLite's writer lock, or an advisory lock, keeps
 * others out. `newer_schema` when the database was written by a newer program.
 */
export async function migrateSchema(tx: Transaction, args: { readonly now: number }): Promise<string[]> {
  if (tx.kind === 'postgres') await tx.query('SELECT pg_advisory_xact_lock($1)', [advisoryLock])
  await tx.change(
    'CREATE TABLE IF NOT EXISTS schema_migrations ' +
      '(number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)',
  )
  const current = await lastNumber(tx)
  refuseNewer(current)
  const names: string[] = []
  for (const migration of after(current)) {
    for (const statement of migration.statements(tx.kind)) await tx.change(statement)
    await tx.change('INSERT INTO schema_migrations (number, name, applied_at) VALUES ($1, $2, $3)', [
      migration.number,
      migration.name,
      args.now,
    ])
    names.push(nameOf(migration))
  }
  return names
}

function refuseNewer(current: number): void {
  if (current <= known) return
  throw new StoreError(
    'newer_schema',
    `The database has schema ${current}, this Yumen knows schemas up to ${known}: a newer Yumen wrote it. ` +
      'Start that version again, or restore a backup made before the update.',
  )
}

async function lastNumber(tx: Transaction): Promise<number> {
  const rows = await tx.query('SELECT max(number) AS number FROM schema_migrations')
  return Number(rows[0]?.['number'] ?? 0)
}

async function hasTable(tx: Transaction): Promise<boolean> {
  const rows = await tx.query(
    tx.kind === 'sqlite'
      ? "SELECT 1 AS found FROM sqlite_master WHERE name = 'schema_migrations'"
      : `SELECT 1 AS found FROM pg_tables
          WHERE schemaname = current_schema() AND tablename = 'schema_migrations'`,
  )
  return rows.length > 0
}

const after = (current: number) => migrations.filter(migration => migration.number > current)
const nameOf = ({ number, name }: Migration) => `${String(number).padStart(4, '0')}-${name}`
