import { expect, test } from 'vitest'
import { ConfigError } from './config-error.ts'
import { readEnvironment } from './env.ts'
import { reviewEnvironment } from './env-review.ts'

test('an empty environment gives a gateway on port 3000 with SQLite in ./data', () => {
  expect(readEnvironment({})).toMatchObject({
    port: 3000,
    host: '0.0.0.0',
    dataDir: `${process.cwd()}/data`,
    journalDir: `${process.cwd()}/data/journal`,
    store: { kind: 'sqlite', path: `${process.cwd()}/data/yumen.db` },
    workers: 1,
    logLevel: 'info',
    bodyBytesMax: 134_217_728,
    optionDefaults: {},
  })
})

test.each([
  {
    says: 'a postgres address is a PostgreSQL store',
    env: { SQL_DSN: 'postgres://a:b@c/d' },
    store: { kind: 'postgres', url: 'postgres://a:b@c/d' },
  },
  {
    says: 'a DSN that begins with local is SQLite',
    env: { SQL_DSN: 'local', SQLITE_PATH: '/x/y.db' },
    store: { kind: 'sqlite', path: '/x/y.db' },
  },
  {
    says: "driver settings behind New API's SQLite path are dropped",
    env: { SQLITE_PATH: '/x/y.db?_busy_timeout=30000' },
    store: { kind: 'sqlite', path: '/x/y.db' },
  },
  {
    says: 'an empty variable counts as none',
    env: { SQL_DSN: '', YUMEN_DATA_DIR: '/d' },
    store: { kind: 'sqlite', path: '/d/yumen.db' },
  },
])('$says', ({ env, store }) => {
  expect(readEnvironment(env).store).toEqual(store)
})

test("New API's timeouts become defaults of options; no total timeout leaves Yumen's own", () => {
  const env = { STREAMING_TIMEOUT: '60', RELAY_TIMEOUT: '0', YUMEN_TRUSTED_PROXIES: '10.0.0.0/8, ::1' }
  expect(readEnvironment(env).optionDefaults).toEqual({
    'relay.idleTimeoutMs': 60_000,
    'server.trustedProxies': ['10.0.0.0/8', '::1'],
  })
})

test.each([
  { env: { PORT: '70000' }, says: 'PORT: found "70000", allowed: a whole number from 0 to 65535' },
  {
    env: { YUMEN_LOG_LEVEL: 'loud' },
    says: 'YUMEN_LOG_LEVEL: found "loud", allowed: fatal, error, warn, info, debug, trace, silent',
  },
  {
    env: { YUMEN_TRUSTED_PROXIES: '10.0.0.0/40' },
    says: 'YUMEN_TRUSTED_PROXIES: found "10.0.0.0/40", allowed: IP addresses or CIDR ranges, set off by commas: 10.0.0.0/8, 192.0.2.7',
  },
  {
    env: { YUMEN_CRASH_AT: 'after-commit', NODE_ENV: 'production' },
    says: 'YUMEN_CRASH_AT: found "after-commit", allowed: nothing while NODE_ENV is production',
  },
])('refuses $env with what was found and what is allowed', ({ env, says }) => {
  expect(() => readEnvironment(env)).toThrow(new ConfigError([]).constructor)
  expect(() => readEnvironment(env)).toThrow(says)
})

test('names every wrong variable at once, and never shows a DSN', () => {
  const env = { PORT: 'x', MAX_REQUEST_BODY_MB: '0', SQL_DSN: 'root:canary@tcp(db)/x' }
  expect(messageOf(() => readEnvironment(env))).toMatch(
    /^SQL_DSN: found a text.*MySQL.*\nMAX_|^PORT: .*\nSQL_DSN: .*\nMAX_REQUEST_BODY_MB: /,
  )
  expect(messageOf(() => readEnvironment(env))).not.toContain('canary')
})

test('tells of variables without effect and of slips of the pen, not of channel keys', () => {
  const env = { REDIS_POOL_SIZE: '10', YUMEN_DATADIR: '/d', YUMEN_CHANNEL_A_KEY: 'k', PORT: '1' }
  expect(reviewEnvironment(env)).toEqual({
    idle: ['REDIS_POOL_SIZE'],
    unknown: [{ name: 'YUMEN_DATADIR', allowed: expect.stringContaining('did you mean YUMEN_DATA_DIR?') }],
  })
})

function messageOf(act: () => unknown): string {
  try {
    act()
    return ''
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
}
