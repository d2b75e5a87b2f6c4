import type { SettledRecord } from '../../../journal/record.ts'
import type { BulkRows, SqlValue } from '../../transaction.ts'
import { modelName } from './rows.ts'

export interface Entry {
  readonly record: SettledRecord
  readonly isCharged: boolean
}

const hourMs = 3_600_000

/** What leaves each account: `balance` and `available` fall, `spent` rises. In the order of ids. */
export function accountSums(entries: readonly Entry[]): BulkRows {
  const amounts = amountsBy(entries, ({ facts }) => facts.accountId)
  return {
    table: 'accounts',
    key: ['id'],
    columns: { id: 'integer', balance_nusd: 'integer', available_nusd: 'integer', spent_nusd: 'integer' },
    rows: amounts.map(([id, amount]) => [id, -amount, -amount, amount]),
  }
}

/** A key that was removed while its requests ran has no row any more: nothing is added anywhere. */
export function apiKeySums(entries: readonly Entry[]): BulkRows {
  return {
    table: 'api_keys',
    key: ['id'],
    columns: { id: 'integer', spent_nusd: 'integer' },
    rows: amountsBy(entries, ({ facts }) => facts.apiKeyId),
  }
}

function amountsBy(entries: readonly Entry[], idOf: (record: SettledRecord) => number): [number, bigint][] {
  const amounts = new Map<number, bigint>()
  for (const { record, isCharged } of entries) {
    const amount = isCharged ? BigInt(record.charge.amount) : 0n
    if (amount !== 0n) amounts.set(idOf(record), (amounts.get(idOf(record)) ?? 0n) + amount)
  }
  return [...amounts].sort(([left], [right]) => left - right)
}

interface Hourly {
  readonly key: readonly [hour: number, account: number, apiKey: number, channel: number, model: string]
  requests: number
  failures: number
  input: number
  output: number
  cached: number
  amount: bigint
}

/**
 * Rollups by the hour of arrival. `channel_id` is 0 where no channel was chosen. In the order of their keys.
 */
export function hourlySums(entries: readonly Entry[]): BulkRows {
  const hours = new Map<string, Hourly>()
  for (const entry of entries) count(hours, entry)
  return {
    table: 'usage_hourly',
    key: ['hour', 'account_id', 'api_key_id', 'channel_id', 'model'],
    columns: {
      hour: 'integer',
      account_id: 'integer',
      api_key_id: 'integer',
      channel_id: 'integer',
      model: 'text',
      requests: 'integer',
      failures: 'integer',
      input_tokens: 'integer',
      output_tokens: 'integer',
      cached_tokens: 'integer',
      amount_nusd: 'integer',
    },
    rows: [...hours.values()].sort(byKey).map(valuesOf),
  }
}

function count(hours: Map<string, Hourly>, { record, isCharged }: Entry): void {
  const { facts, charge, class: outcome } = record
  const hour = facts.time - (facts.time % hourMs)
  const model = modelName(facts.model)
  const channel = facts.channelId ?? 0
  const name = `${hour} ${facts.accountId} ${facts.apiKeyId} ${channel} ${model}`
  const row = hours.get(name) ?? emptyHour([hour, facts.accountId, facts.apiKeyId, channel, model])
  hours.set(name, row)
  row.requests += 1
  if (isFailure(outcome)) row.failures += 1
  if (isCharged) row.amount += BigInt(charge.amount)
  if (facts.usage === undefined) return
  row.input += facts.usage.input
  row.output += facts.usage.output
  row.cached += facts.usage.cacheRead
}

/** A client that left is no failure of ours. */
const isFailure = (outcome: string) => outcome !== 'ok' && outcome !== 'client_gone'

function emptyHour(key: Hourly['key']): Hourly {
  return { key, requests: 0, failures: 0, input: 0, output: 0, cached: 0, amount: 0n }
}

function valuesOf({ key, requests, failures, input, output, cached, amount }: Hourly): SqlValue[] {
  return [...key, requests, failures, input, output, cached, amount]
}

function byKey({ key: left }: Hourly, { key: right }: Hourly): number {
  for (let index = 0; index < 4; index += 1) {
    const difference = Number(left[index]) - Number(right[index])
    if (difference !== 0) return difference
  }
  return left[4] < right[4] ? -1 : 1
}
