import type { SettledRecord } from '../../../journal/record.ts'
import type { BulkRows, SqlValue } from '../../transaction.ts'
import { modelName } from './rows.ts'

const hourMs = 3_600_000

/** What a batch moves, summed up record by record. Rows come in the order of their keys: who locks them waits in line. */
export class BatchSums {
  readonly #accounts = new Map<number, bigint>()
  readonly #apiKeys = new Map<number, bigint>()
  readonly #hours = new Map<string, Hourly>()

  add(record: SettledRecord, isCharged: boolean): void {
    const { facts, charge } = record
    const amount = isCharged ? BigInt(charge.amount) : 0n
    if (amount !== 0n) {
      addAmount(this.#accounts, facts.accountId, amount)
      addAmount(this.#apiKeys, facts.apiKeyId, amount)
    }
    count(this.#hours, record, amount)
  }

  /** What leaves each account: `balance` and `available` fall, `spent` rises. */
  accounts(): BulkRows {
    return {
      table: 'accounts',
      key: ['id'],
      columns: { id: 'integer', balance_nusd: 'integer', available_nusd: 'integer', spent_nusd: 'integer' },
      rows: byId(this.#accounts).map(([id, amount]) => [id, -amount, -amount, amount]),
    }
  }

  /** A key that was removed while its requests ran has no row any more: nothing is added anywhere. */
  apiKeys(): BulkRows {
    return {
      table: 'api_keys',
      key: ['id'],
      columns: { id: 'integer', spent_nusd: 'integer' },
      rows: byId(this.#apiKeys),
    }
  }

  /** Rollups by the hour of arrival. `channel_id` is 0 where no channel was chosen. */
  hours(): BulkRows {
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
      rows: [...this.#hours.values()].sort(byKey).map(valuesOf),
    }
  }
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

function addAmount(amounts: Map<number, bigint>, id: number, amount: bigint): void {
  amounts.set(id, (amounts.get(id) ?? 0n) + amount)
}

function byId(amounts: ReadonlyMap<number, bigint>): [number, bigint][] {
  return [...amounts].sort(([left], [right]) => left - right)
}

function count(hours: Map<string, Hourly>, { facts, class: outcome }: SettledRecord, amount: bigint): void {
  const hour = facts.time - (facts.time % hourMs)
  const model = modelName(facts.model)
  const channel = facts.channelId ?? 0
  const name = `${hour} ${facts.accountId} ${facts.apiKeyId} ${channel} ${model}`
  const row = hours.get(name) ?? emptyHour([hour, facts.accountId, facts.apiKeyId, channel, model])
  hours.set(name, row)
  row.requests += 1
  if (isFailure(outcome)) row.failures += 1
  row.amount += amount
  if (facts.usage === undefined) return
  row.input += facts.usage.input
  row.output += facts.usage.output
  row.cached += facts.usage.cacheRead ?? 0
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
