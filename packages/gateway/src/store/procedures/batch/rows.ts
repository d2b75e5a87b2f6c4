import type { RequestFacts, SettledRecord } from '../../../journal/record.ts'
import type { BulkRows, SqlValue } from '../../transaction.ts'

export const requestColumns = {
  id: 'text',
  account_id: 'integer',
  api_key_id: 'integer',
  model: 'text',
  channel_id: 'integer',
  class: 'text',
  status: 'integer',
  packed: 'text',
} as const satisfies BulkRows['columns']

export const chargeColumns = {
  id: 'text',
  part: 'integer',
  account_id: 'integer',
  api_key_id: 'integer',
  node_id: 'text',
  seq: 'integer',
  time: 'integer',
  price_version: 'integer',
  ratio: 'text',
  packed: 'text',
  amount_nusd: 'integer',
} as const satisfies BulkRows['columns']

/** Values in the order of the columns above. */
export type RequestRow = readonly SqlValue[]
export type ChargeRow = readonly SqlValue[]

export function requestRow({ facts, class: outcome, status, timings }: SettledRecord): RequestRow {
  const { id, accountId, apiKeyId, model, channelId, ...rest } = facts
  const packed = { ...rest, timings }
  return [
    id,
    accountId,
    apiKeyId,
    modelName(model),
    channelId ?? null,
    outcome,
    status,
    JSON.stringify(packed),
  ]
}

export function chargeRow(
  { facts, charge }: SettledRecord,
  place: { readonly nodeId: string; readonly seq: number },
): ChargeRow {
  return [
    facts.id,
    0,
    facts.accountId,
    facts.apiKeyId,
    place.nodeId,
    place.seq,
    facts.time,
    charge.priceVersion ?? null,
    charge.ratio,
    packCharge(facts),
    BigInt(charge.amount),
  ]
}

function packCharge({ model, usage, source }: RequestFacts): string {
  return JSON.stringify({ model, usage, source })
}

const modelLengthMax = 256

/** A client's word, as a column: PostgreSQL stores no NUL, and a rollup's key has a bound. */
export function modelName(model: string): string {
  return model.replaceAll('\0', '\uFFFD').slice(0, modelLengthMax)
}
