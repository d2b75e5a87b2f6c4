import type { Migration } from './migration.ts'

/** What was learned of a channel counts for the channel as it was then: an edited one starts anew. */
export const healthRevision: Migration = {
  number: 4,
  name: 'health-revision',
  statements: kind => [
    `ALTER TABLE channel_health ADD COLUMN channel_revision ${kind === 'sqlite' ? 'INTEGER' : 'BIGINT'} NOT NULL DEFAULT 0`,
  ],
}
