import { join, resolve } from 'node:path'
import { oneOf, wholeBetween } from './checks.ts'
import { isCidr } from './cidr.ts'
import { ConfigError, type ConfigIssue, showFound } from './config-error.ts'
import { limits } from './limits.ts'
import type { OptionDefaults } from './options.ts'

/** What the process was started with: checked once, immutable. Paths are absolute. */
export interface Environment {
  readonly port: number
  /**
   * All addresses by default, as New API listens; behind a proxy on the same machine 127.0.0.1 is the better
   * choice.
   */
  readonly host: string
  readonly dataDir: string
  readonly journalDir: string
  readonly store: StoreLocation
  /** Where nodes share their rate limits. */
  readonly redisUrl: string | undefined
  /** Channel keys are sealed with it; without it `<data dir>/secret.key` is made at the first start. */
  readonly cryptoSecret: string | undefined
  readonly sessionSecret: string | undefined
  /** The step at which a test kills this process. */
  readonly crashAt: string | undefined
  /** Processes that serve on the one port; 1: this very process. */
  readonly workers: number
  readonly logLevel: (typeof logLevels)[number]
  /** Largest request body after decompression. */
  readonly bodyBytesMax: number
  /**
   * Fallbacks of options that the environment names; a stored option wins. Second argument of
   * `resolveOptions`.
   */
  readonly optionDefaults: OptionDefaults
  readonly isProduction: boolean
}

type StoreLocation =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string }

export type EnvironmentSource = Readonly<Record<string, string | undefined>>

/** A text of the environment as a value; `undefined` refuses it. */
type Reader<Value> = (text: string) => Value | undefined

interface Variable<Value> {
  readonly read: Reader<Value>
  readonly allowed: string
  readonly about: string
  /** A secret: an error never shows what was found. */
  readonly isSecret?: true
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

const text: Reader<string> = found => found
const textLike =
  (pattern: RegExp): Reader<string> =>
  found =>
    pattern.test(found) ? found : undefined
const wholeNumber = (min: number, max: number): Reader<number> => {
  const fits = wholeBetween(min, max)
  return found => (/^\d{1,9}$/.test(found) && fits(Number(found)) ? Number(found) : undefined)
}
const cidrs: Reader<readonly string[]> = found => {
  const items = found
    .split(',')
    .map(item => item.trim())
    .filter(Boolean)
  return items.every(isCidr) ? items : undefined
}
const isLogLevel = oneOf(logLevels)

/** Every variable with an effect; names without `YUMEN_` are New API's. An empty value counts as none. */
/** Steps at which a test may end the process. */
const crashSteps = ['before-journal', 'after-journal', 'after-release', 'before-commit', 'after-commit']

const variables = {
  PORT: variable(wholeNumber(0, 65_535), 'a whole number from 0 to 65535', 'Port of the gateway (3000).'),
  YUMEN_HOST: variable(text, 'an address of this machine', 'Address to listen on (0.0.0.0: all).'),
  YUMEN_DATA_DIR: variable(text, 'a folder', 'Where database, journal and secret.key live (./data).'),
  YUMEN_JOURNAL_DIR: variable(text, 'a folder', 'Where the journals live (<data dir>/journal).'),
  SQL_DSN: variable(
    textLike(/^\s*(postgres(ql)?:\/\/.+|local.*)$/is),
    'postgres://user:password@host:5432/database, or local for SQLite (MySQL is not built yet)',
    'Database; SQLite in the data folder when there is none.',
    { isSecret: true },
  ),
  SQLITE_PATH: variable(text, 'a file', 'The SQLite file (<data dir>/yumen.db).'),
  REDIS_CONN_STRING: variable(
    textLike(/^rediss?:\/\/[^\s]+$/),
    'redis://user:password@host:6379/0, or rediss:// for TLS',
    'Redis, in which nodes share their rate limits (none: each keeps its part of them).',
    { isSecret: true },
  ),
  CRYPTO_SECRET: variable(text, 'a long random text', 'Seals channel keys.', { isSecret: true }),
  SESSION_SECRET: variable(text, 'a long random text', 'Signs sessions of the console.', { isSecret: true }),
  YUMEN_TRUSTED_PROXIES: variable(
    cidrs,
    'IP addresses or CIDR ranges, set off by commas: 10.0.0.0/8, 192.0.2.7',
    'Proxies whose X-Forwarded-For is believed (none).',
  ),
  YUMEN_WORKERS: variable(
    wholeNumber(1, limits.workersMax),
    `a whole number from 1 to ${limits.workersMax}`,
    'Processes that serve on the one port (1: no parent process).',
  ),
  YUMEN_LOG_LEVEL: variable(
    (found): Environment['logLevel'] | undefined => (isLogLevel(found) ? found : undefined),
    logLevels.join(', '),
    'Least level that is logged (info).',
  ),
  MAX_REQUEST_BODY_MB: variable(
    wholeNumber(1, 1024),
    'a whole number from 1 to 1024',
    'Largest request body in MiB, decompressed (128).',
  ),
  STREAMING_TIMEOUT: variable(
    wholeNumber(1, 86_400),
    'seconds from 1 to 86400',
    'Default of relay.idleTimeoutMs, in seconds.',
  ),
  RELAY_TIMEOUT: variable(
    wholeNumber(0, 86_400),
    'seconds from 0 to 86400',
    "Default of relay.totalTimeoutMs, in seconds; 0 leaves Yumen's own.",
  ),
  YUMEN_CRASH_AT: variable(
    textLike(new RegExp(`^(${crashSteps.join('|')})$`)),
    crashSteps.join(', '),
    'For tests: ends the process at that step.',
  ),
  NODE_ENV: variable(text, 'any text', '`production` refuses YUMEN_CRASH_AT.'),
}

type Values = { readonly [Name in keyof typeof variables]: ReturnType<(typeof variables)[Name]['read']> }

/** The environment of this process. The one place that touches it. */
export function processEnvironment(): EnvironmentSource {
  // biome-ignore lint/style/noProcessEnv: read here and nowhere else
  return process.env
}

/** `source` checked. Throws `ConfigError` with every variable that cannot be used. */
export function readEnvironment(source: EnvironmentSource = processEnvironment()): Environment {
  const values = readValues(source)
  const dataDir = resolve(values.YUMEN_DATA_DIR ?? 'data')
  return {
    port: values.PORT ?? 3000,
    host: values.YUMEN_HOST ?? '0.0.0.0',
    dataDir,
    journalDir: resolve(values.YUMEN_JOURNAL_DIR ?? join(dataDir, 'journal')),
    store: locateStore(values, dataDir),
    redisUrl: values.REDIS_CONN_STRING,
    cryptoSecret: values.CRYPTO_SECRET,
    sessionSecret: values.SESSION_SECRET,
    crashAt: values.YUMEN_CRASH_AT,
    workers: values.YUMEN_WORKERS ?? 1,
    logLevel: values.YUMEN_LOG_LEVEL ?? 'info',
    bodyBytesMax: (values.MAX_REQUEST_BODY_MB ?? 128) * 1024 * 1024,
    optionDefaults: {
      ...(values.STREAMING_TIMEOUT && { 'relay.idleTimeoutMs': values.STREAMING_TIMEOUT * 1000 }),
      ...(values.RELAY_TIMEOUT && { 'relay.totalTimeoutMs': values.RELAY_TIMEOUT * 1000 }),
      ...(values.YUMEN_TRUSTED_PROXIES && { 'server.trustedProxies': values.YUMEN_TRUSTED_PROXIES }),
    },
    isProduction: values.NODE_ENV === 'production',
  }
}

/** Name and one sentence of each variable with an effect, for help pages. */
export function describeVariables(): readonly { readonly name: string; readonly about: string }[] {
  return Object.entries(variables).map(([name, { about }]) => ({ name, about }))
}

function variable<Value>(
  read: Reader<Value>,
  allowed: string,
  about: string,
  more: { readonly isSecret?: true } = {},
): Variable<Value> {
  return { read, allowed, about, ...more }
}

function readValues(source: EnvironmentSource): Values {
  const issues: ConfigIssue[] = []
  const values: Record<string, unknown> = {}
  for (const [name, { read, allowed, isSecret }] of Object.entries<Variable<unknown>>(variables)) {
    const found = source[name]
    if (found === undefined || found === '') continue
    values[name] = read(found)
    if (values[name] !== undefined) continue
    issues.push({ name, found: isSecret ? 'a text that is not shown' : showFound(found), allowed })
  }
  if (values.NODE_ENV === 'production' && values.YUMEN_CRASH_AT !== undefined) {
    issues.push({
      name: 'YUMEN_CRASH_AT',
      found: showFound(values.YUMEN_CRASH_AT),
      allowed: 'nothing while NODE_ENV is production',
    })
  }
  if (issues.length > 0) throw new ConfigError(issues)
  return values as Values // decoding: every name went through its reader above
}

/**
 * New API's rule: no SQL_DSN, or one that begins with `local`, means SQLite. A query behind the path is its
 * driver's.
 */
function locateStore(values: Values, dataDir: string): StoreLocation {
  const dsn = values.SQL_DSN?.trim() ?? 'local'
  if (!dsn.startsWith('local')) return { kind: 'postgres', url: dsn }
  const path = values.SQLITE_PATH?.replace(/^file:/, '').split('?')[0]
  return { kind: 'sqlite', path: resolve(path || join(dataDir, 'yumen.db')) }
}
