import type { Migration } from './migration.ts'

/** Who does the jobs that one node does for all, and until when. */
export const leaders: Migration = {
  number: 2,
  name: 'leaders',
  statements: kind => {
    const columns = 'name TEXT NOT NULL PRIMARY KEY, node_id TEXT NOT NULL, held_until'
    return [
      kind === 'sqlite'
        ? `CREATE TABLE leaders (${columns} INTEGER NOT NULL) STRICT`
        : `CREATE TABLE leaders (${columns} BIGINT NOT NULL)`,
    ]
  },
}
