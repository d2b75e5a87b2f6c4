import type { Migration } from './migration.ts'

/** What each node has learned of channels, keys and models, for the others; and the group `auto`. */
export const routing: Migration = {
  number: 3,
  name: 'routing',
  statements: kind => {
    const integer = kind === 'sqlite' ? 'INTEGER' : 'BIGINT'
    const columns = `channel_id ${integer} NOT NULL, key_fingerprint TEXT NOT NULL, model TEXT NOT NULL,
      node_id TEXT NOT NULL, reason TEXT NOT NULL, is_named ${integer} NOT NULL, rests_until ${integer} NOT NULL,
      PRIMARY KEY (channel_id, key_fingerprint, model, node_id)`
    return [
      `CREATE TABLE channel_health (${columns})${kind === 'sqlite' ? ' STRICT, WITHOUT ROWID' : ''}`,
      `INSERT INTO revisions (scope, revision) VALUES ('health', 1)`,
      // What API keys in `auto` refer to; where they may go is the option `routing.autoGroups`.
      `INSERT INTO groups (name, ratio, description) VALUES ('auto', '1', 'routing.autoGroups, in their order')
        ON CONFLICT (name) DO NOTHING`,
    ]
  },
}
