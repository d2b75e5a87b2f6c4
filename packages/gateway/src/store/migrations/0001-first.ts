import type { Migration } from './migration.ts'

/** Ids below are left to an import from New API, which keeps its own. */
const firstOwnId = 1_000_001

/**
 * The first schema. Written once, in SQLite's words, with three marks: `{id}` is a generated key, `{id:own}`
 * one that begins at 1,000,001, and `{key}` a text that is compared byte by byte. `accounts` comes before
 * those who own one.
 */
export const first: Migration = {
  number: 1,
  name: 'first',
  statements: kind => [
    ...tables.map(table => (kind === 'sqlite' ? sqliteTable(table) : postgresTable(table))),
    ...indexes,
    ...(kind === 'sqlite' ? sqliteRules : postgresRules),
    ...rows,
  ],
}

interface Table {
  readonly name: string
  readonly columns: string
  /** Stored in the order of its key, without SQLite's hidden row number. */
  readonly isClustered?: true
}

const tables: readonly Table[] = [
  {
    name: 'installation',
    columns: `id TEXT NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL, created_at INTEGER NOT NULL, only_row
      INTEGER NOT NULL DEFAULT 1 UNIQUE CHECK (only_row = 1)`,
  },
  {
    name: 'revisions',
    columns: 'scope TEXT NOT NULL PRIMARY KEY, revision INTEGER NOT NULL',
  },
  {
    name: 'groups',
    columns: 'name TEXT NOT NULL PRIMARY KEY, ratio TEXT NOT NULL, description TEXT NOT NULL',
  },
  {
    name: 'options',
    columns: 'key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, updated_at INTEGER NOT NULL',
  },
  {
    name: 'applied_objects',
    columns: 'source TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (source, kind, name)',
  },
  {
    name: 'accounts',
    columns: `id {id}, owner_kind TEXT NOT NULL CHECK (owner_kind IN ('user', 'organisation')), kind TEXT
      NOT NULL CHECK (kind IN ('prepaid', 'tracked')), balance_nusd INTEGER NOT NULL, available_nusd
      INTEGER NOT NULL, spent_nusd INTEGER NOT NULL, created_at INTEGER NOT NULL`,
  },
  {
    name: 'users',
    columns: `id {id:own}, username TEXT NOT NULL UNIQUE, display_name TEXT NOT NULL, role TEXT NOT NULL
      CHECK (role IN ('user', 'admin', 'root')), status TEXT NOT NULL CHECK (status IN ('enabled',
      'disabled')), password_hash TEXT, group_name TEXT NOT NULL REFERENCES groups (name),
      account_id INTEGER NOT NULL REFERENCES accounts (id), created_at INTEGER NOT NULL, updated_at
      INTEGER NOT NULL, revision INTEGER NOT NULL`,
  },
  {
    name: 'organisations',
    columns: `id TEXT NOT NULL PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, status TEXT NOT
      NULL CHECK (status IN ('active', 'suspended', 'closing')), group_name TEXT NOT NULL REFERENCES
      groups (name), account_id INTEGER NOT NULL REFERENCES accounts (id), created_at INTEGER NOT
      NULL, updated_at INTEGER NOT NULL, revision INTEGER NOT NULL`,
  },
  {
    name: 'memberships',
    columns: `organisation_id TEXT NOT NULL REFERENCES organisations (id), user_id INTEGER NOT NULL
      REFERENCES users (id), role TEXT NOT NULL CHECK (role IN ('owner', 'manager', 'member')),
      status TEXT NOT NULL CHECK (status IN ('active', 'suspended')), joined_at INTEGER NOT NULL,
      PRIMARY KEY (organisation_id, user_id)`,
  },
  {
    name: 'api_keys',
    columns: `id {id:own}, account_id INTEGER NOT NULL REFERENCES accounts (id), user_id INTEGER NOT NULL
      REFERENCES users (id), organisation_id TEXT REFERENCES organisations (id), name TEXT NOT NULL,
      hash TEXT NOT NULL UNIQUE, hint TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN
      ('enabled', 'disabled')), group_name TEXT REFERENCES groups (name), models TEXT, deny_models
      TEXT, endpoints TEXT, allow_ips TEXT, expires_at INTEGER, limit_nusd INTEGER, spent_nusd
      INTEGER NOT NULL, rate_limit TEXT, body_logging INTEGER NOT NULL, created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL, revision INTEGER NOT NULL`,
  },
  {
    name: 'channels',
    columns: `id {id:own}, name TEXT NOT NULL, provider TEXT NOT NULL, base_url TEXT, key_mode TEXT NOT NULL
      CHECK (key_mode IN ('random', 'polling')), models TEXT NOT NULL, groups TEXT NOT NULL,
      priority INTEGER NOT NULL, weight INTEGER NOT NULL, model_mapping TEXT, status_code_mapping
      TEXT, param_override TEXT, header_override TEXT, settings TEXT NOT NULL, dialect TEXT, enabled
      INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, revision INTEGER
      NOT NULL`,
  },
  {
    name: 'channel_keys',
    columns: `channel_id INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE, position INTEGER NOT
      NULL, sealed TEXT NOT NULL, fingerprint TEXT NOT NULL, PRIMARY KEY (channel_id, position)`,
  },
  {
    name: 'price_versions',
    columns: `id {id}, pattern TEXT NOT NULL, rates TEXT NOT NULL, body_hash TEXT NOT NULL, valid_from
      INTEGER NOT NULL, valid_to INTEGER, source TEXT NOT NULL`,
  },
  {
    name: 'nodes',
    columns: `id TEXT NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN
      ('live', 'stopped')), started_at INTEGER NOT NULL, heartbeat_until INTEGER NOT NULL, mark
      INTEGER NOT NULL`,
  },
  {
    name: 'charges',
    isClustered: true,
    columns: `id {key} NOT NULL, part INTEGER NOT NULL, account_id INTEGER NOT NULL, api_key_id INTEGER NOT
      NULL, node_id TEXT NOT NULL, seq INTEGER NOT NULL, time INTEGER NOT NULL, price_version
      INTEGER, ratio TEXT NOT NULL, packed TEXT NOT NULL, amount_nusd INTEGER NOT NULL, PRIMARY KEY
      (id, part)`,
  },
  {
    name: 'requests',
    isClustered: true,
    columns: `id {key} NOT NULL PRIMARY KEY, account_id INTEGER NOT NULL, api_key_id INTEGER NOT NULL, model
      TEXT NOT NULL, channel_id INTEGER, class TEXT NOT NULL, status INTEGER NOT NULL, packed TEXT
      NOT NULL`,
  },
  {
    name: 'usage_hourly',
    isClustered: true,
    columns: `hour INTEGER NOT NULL, account_id INTEGER NOT NULL, api_key_id INTEGER NOT NULL, channel_id
      INTEGER NOT NULL, model {key} NOT NULL, requests INTEGER NOT NULL, failures INTEGER NOT NULL,
      input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
      amount_nusd INTEGER NOT NULL, PRIMARY KEY (hour, account_id, api_key_id, channel_id, model)`,
  },
]

/** Names of keys and channels are not unique: New API's are not, and an import keeps them. */
const indexes = [
  'CREATE INDEX requests_account ON requests (account_id, id)',
  'CREATE INDEX api_keys_user_name ON api_keys (user_id, name)',
  'CREATE INDEX channels_name ON channels (name)',
  'CREATE UNIQUE INDEX price_versions_in_force ON price_versions (pattern) WHERE valid_to IS NULL',
  'CREATE INDEX memberships_user ON memberships (user_id)',
]

const rows = [
  `INSERT INTO groups (name, ratio, description) VALUES ('default', '1', '')`,
  `INSERT INTO revisions (scope, revision) VALUES ('configuration', 1), ('keys', 1)`,
]

const sqliteRules = [
  ...['users', 'api_keys', 'channels'].map(
    table => `INSERT INTO sqlite_sequence (name, seq) VALUES ('${table}', ${firstOwnId - 1})`,
  ),
  `CREATE TRIGGER charges_keep_update BEFORE UPDATE ON charges
    BEGIN SELECT RAISE(ABORT, 'charges are append-only'); END`,
  `CREATE TRIGGER charges_keep_delete BEFORE DELETE ON charges
    BEGIN SELECT RAISE(ABORT, 'charges are append-only'); END`,
]

const postgresRules = [
  `CREATE FUNCTION charges_keep() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'charges are append-only'; END $$`,
  `CREATE TRIGGER charges_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON charges
    FOR EACH STATEMENT EXECUTE FUNCTION charges_keep()`,
]

function sqliteTable({ name, columns, isClustered }: Table): string {
  const body = columns
    .replaceAll(/\{id(:own)?\}/g, 'INTEGER PRIMARY KEY AUTOINCREMENT')
    .replaceAll('{key}', 'TEXT')
  return `CREATE TABLE ${name} (${body}) STRICT${isClustered ? ', WITHOUT ROWID' : ''}`
}

function postgresTable({ name, columns }: Table): string {
  const body = columns
    .replaceAll('INTEGER', 'BIGINT')
    .replaceAll('{id:own}', generatedFrom(firstOwnId))
    .replaceAll('{id}', generatedFrom(1))
    .replaceAll('{key}', 'TEXT COLLATE "C"')
  return `CREATE TABLE ${name} (${body})`
}

const generatedFrom = (start: number) =>
  `BIGINT GENERATED BY DEFAULT AS IDENTITY (START WITH ${start}) PRIMARY KEY`
