import { join } from 'node:path'
import { StoreError } from './types.ts'

export type StoreAddress =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string }

export interface DsnParts {
  /** `SQL_DSN`. */
  readonly dsn?: string | undefined
  /** `SQLITE_PATH`. */
  readonly sqlitePath?: string | undefined
  /** Where `yumen.db` lies when nothing else is said. */
  readonly dataDir?: string | undefined
}

/**
 * Where the data is, from New API's environment: an empty `SQL_DSN` or one that begins with `local` is
 * SQLite, a `postgres://` or `postgresql://` URL is PostgreSQL. MySQL's two forms are recognised and refused.
 * No message of this file repeats the DSN: it holds a password.
 */
export function parseDsn({ dsn = '', sqlitePath = '', dataDir = '.' }: DsnParts): StoreAddress {
  const text = dsn.trim()
  if (text === '' || text.startsWith('local')) return { kind: 'sqlite', path: pathOf(sqlitePath, dataDir) }
  if (/^postgres(ql)?:\/\//i.test(text)) return { kind: 'postgres', url: checkUrl(text) }
  if (/^mysql:\/\//i.test(text) || /(^|@)(tcp|unix)\([^)]*\)\//i.test(text)) {
    throw new StoreError(
      'invalid',
      'SQL_DSN names a MySQL database. MySQL comes with a later version of Yumen: use PostgreSQL ' +
        '(postgres://user:password@host:5432/database), or leave SQL_DSN empty for SQLite.',
    )
  }
  throw new StoreError(
    'invalid',
    'SQL_DSN is not understood: it may be empty (SQLite) or postgres://user:password@host:port/database',
  )
}

/** New API appends driver settings to the path (`one-api.db?_busy_timeout=30000`); ours are fixed. */
function pathOf(sqlitePath: string, dataDir: string): string {
  const path = sqlitePath
    .trim()
    .replace(/^file:/, '')
    .replace(/\?.*$/, '')
  return path === '' ? join(dataDir, 'yumen.db') : path
}

function checkUrl(url: string): string {
  if (URL.canParse(url)) return url
  throw new StoreError(
    'invalid',
    'SQL_DSN is not a valid URL. Characters such as @ : / # in its password are written %40 %3A %2F %23.',
  )
}
