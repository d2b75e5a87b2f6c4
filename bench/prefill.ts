import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { models } from './models.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const inputTokens = 230
const outputTokens = 120
/**
 * At the price of the bench's file, 2.50 and 10 USD per million tokens: 230 × 2,500 + 120 × 10,000
 * nano-dollars.
 */
const amountNusd = 230n * 2500n + 120n * 10_000n

interface Owner {
  readonly accountId: number
  readonly apiKeyId: number
  readonly channelId: number
  readonly priceVersion: number
}

/**
 * Fills the store in `dataDir` with `count` ended requests, their charges and hourly sums, spread evenly over
 * the thirty days before now, as if the bench's own key had sent them. For a store that `apply` has made and
 * nobody has open. Writes the tables themselves (packages/gateway/src/store/schema.ts): through the gateway
 * it would take minutes.
 */
export function prefill(dataDir: string, count: number): void {
  const database = new DatabaseSync(join(dataDir, 'yumen.db'))
  try {
    database.exec('PRAGMA synchronous = OFF; BEGIN')
    const owner = readOwner(database)
    insertRows(database, owner, count)
    moveSums(database, owner, BigInt(count) * amountNusd)
    database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize')
  } finally {
    database.close()
  }
}

function readOwner(database: DatabaseSync): Owner {
  const only = (sql: string) => database.prepare(sql).get() ?? {}
  const key = only('SELECT id, account_id FROM api_keys')
  return {
    accountId: Number(key.account_id),
    apiKeyId: Number(key.id),
    channelId: Number(only('SELECT id FROM channels').id),
    priceVersion: Number(only('SELECT id FROM price_versions').id),
  }
}

function insertRows(database: DatabaseSync, owner: Owner, count: number): void {
  const { accountId, apiKeyId, channelId, priceVersion } = owner
  const request = prepareInsert(database, 'requests', [
    'id',
    'account_id',
    'api_key_id',
    'model',
    'channel_id',
    'class',
    'status',
    'packed',
  ])
  const charge = prepareInsert(database, 'charges', [
    'id',
    'part',
    'account_id',
    'api_key_id',
    'node_id',
    'seq',
    'time',
    'price_version',
    'ratio',
    'packed',
    'amount_nusd',
  ])
  const usage = { input: inputTokens, output: outputTokens }
  const packedCharge = JSON.stringify({ model: models.whole, usage, source: 'upstream' })
  const hours = new Map<number, number>()
  const endMs = Date.now() - 1000
  for (let index = 0; index < count; index++) {
    const time = Math.floor(endMs - ((count - index) * 30 * dayMs) / count)
    const hour = time - (time % hourMs)
    hours.set(hour, (hours.get(hour) ?? 0) + 1)
    const id = encode(time, 10) + encode(index, 8) + encode(Math.random() * 2 ** 40, 8)
    request.run(id, accountId, apiKeyId, models.whole, channelId, 'ok', 200, packRequest(time, channelId))
    const place = ['bench-prefill', index + 1, time] as const
    charge.run(id, 0, accountId, apiKeyId, ...place, priceVersion, '1', packedCharge, amountNusd)
  }
  insertHours(database, owner, hours)
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Crockford's base 32, as in a ULID: ten characters of time, then sixteen that make it one of a kind. */
function encode(value: number, length: number): string {
  let text = ''
  let rest = Math.floor(value)
  for (let place = 0; place < length; place++) {
    text = alphabet.charAt(rest % 32) + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/** As the gateway packs the rest of a request's record (store/procedures/batch/rows.ts). */
function packRequest(time: number, channelId: number): string {
  const fingerprint = 'a1b2c3d4e5f60718'
  const attempt = {
    channel: 'upstream',
    channelId,
    keyFingerprint: fingerprint,
    class: 'ok',
    status: 200,
    ms: 12,
  }
  return JSON.stringify({
    time,
    group: 'default',
    dialect: 'openai-chat',
    operation: 'chat',
    isStreaming: false,
    upstreamModel: models.whole,
    channel: 'upstream',
    clientIp: '127.0.0.1',
    attempts: [attempt],
    source: 'upstream',
    usage: { input: inputTokens, output: outputTokens },
    timings: { authenticated: 0.1, bodyRead: 0.2, planned: 0.3, headed: 11.5, firstByte: 11.6, ended: 12.1 },
  })
}

function insertHours(database: DatabaseSync, owner: Owner, hours: ReadonlyMap<number, number>): void {
  const insert = prepareInsert(database, 'usage_hourly', [
    'hour',
    'account_id',
    'api_key_id',
    'channel_id',
    'model',
    'requests',
    'failures',
    'input_tokens',
    'output_tokens',
    'cached_tokens',
    'amount_nusd',
  ])
  for (const [hour, requests] of hours) {
    const key = [hour, owner.accountId, owner.apiKeyId, owner.channelId, models.whole] as const
    const tokens = [requests * inputTokens, requests * outputTokens, 0] as const
    insert.run(...key, requests, 0, ...tokens, BigInt(requests) * amountNusd)
  }
}

/** What the batches of these charges would have moved, so that the books stay right. */
function moveSums(database: DatabaseSync, owner: Owner, spent: bigint): void {
  database
    .prepare(
      `UPDATE accounts SET balance_nusd = balance_nusd - ?1, available_nusd = available_nusd - ?1,
        spent_nusd = spent_nusd + ?1 WHERE id = ?2`,
    )
    .run(spent, owner.accountId)
  database.prepare('UPDATE api_keys SET spent_nusd = spent_nusd + ? WHERE id = ?').run(spent, owner.apiKeyId)
}

function prepareInsert(database: DatabaseSync, table: string, columns: readonly string[]): StatementSync {
  const places = columns.map(() => '?').join(', ')
  return database.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`)
}
