import { expect, test } from 'vitest'
import { parseDsn } from './dsn.ts'

test.each([
  { says: 'nothing said is SQLite in the data folder', parts: { dataDir: '/data' }, path: '/data/yumen.db' },
  { says: 'local is SQLite', parts: { dsn: 'local', dataDir: '/data' }, path: '/data/yumen.db' },
  {
    says: 'SQLITE_PATH names the file',
    parts: { dsn: '', sqlitePath: '/x/one-api.db' },
    path: '/x/one-api.db',
  },
  {
    says: "New API's driver settings behind the path are left out",
    parts: { sqlitePath: 'one-api.db?_busy_timeout=30000' },
    path: 'one-api.db',
  },
])('$says', ({ parts, path }) => {
  expect(parseDsn(parts)).toEqual({ kind: 'sqlite', path })
})

test.each(['postgres://u:p@h:5432/d', 'postgresql://u:p@h/d?sslmode=require'])('%s is PostgreSQL', dsn => {
  expect(parseDsn({ dsn })).toEqual({ kind: 'postgres', url: dsn })
})

test.each([
  {
    says: "MySQL's Go form",
    dsn: 'root:canary@tcp(10.0.0.5:3306)/oneapi?parseTime=true',
    word: /MySQL comes with a later/,
  },
  {
    says: 'a Go form with @ and / in the password',
    dsn: 'root:can/ary@tcp(db:3306)/oneapi',
    word: /MySQL comes/,
  },
  { says: 'a MySQL URL', dsn: 'mysql://root:canary@db/oneapi', word: /MySQL comes with a later/ },
  { says: 'a broken PostgreSQL URL', dsn: 'postgres://root:canary@db:port/oneapi', word: /not a valid URL/ },
  { says: 'anything else', dsn: 'oracle:canary', word: /not understood/ },
])('$says is refused, without its password', ({ dsn, word }) => {
  const parse = () => parseDsn({ dsn })
  expect(parse).toThrow(word)
  expect(parse).not.toThrow(/canary/)
})
