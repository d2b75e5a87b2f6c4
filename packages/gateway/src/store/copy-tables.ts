import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { Tables } from './schema.ts'
import type { Store } from './types.ts'

/** Copies whole tables of any store into an SQLite file that has the schema and nobody else open. Their old rows there go. */
export async function copyTables(
  from: Store,
  path: string,
  tables: readonly (keyof Tables)[],
): Promise<void> {
  const db = await from.kysely()
  const to = new DatabaseSync(path, { enableForeignKeyConstraints: false })
  try {
    to.exec('BEGIN')
    for (const table of tables) {
      to.exec(`DELETE FROM ${table}`)
      for (const row of await db.selectFrom(table).selectAll().execute()) {
        const names = Object.keys(row)
        const places = names.map(() => '?').join(', ')
        to.prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${places})`).run(
          ...Object.values<SQLInputValue>(row),
        )
      }
    }
    to.exec('COMMIT')
  } finally {
    to.close()
  }
}
