import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { eventually } from './eventually.ts'

export interface Charge {
  readonly id: string
  readonly amount: bigint
}

export interface Recorded {
  readonly id: string
  readonly class: string
  readonly status: number
  readonly usage: { readonly input?: number; readonly output?: number } | undefined
  readonly source: string | undefined
  readonly attempts: readonly {
    readonly channel: string
    readonly class: string
    readonly status: number
    readonly mayBeBilled?: boolean
    readonly estimatedCost?: string
  }[]
}

/** What the store says of money and requests, read from its file by other means than the gateway's own. */
export interface Books {
  readonly balance: bigint
  readonly spent: bigint
  readonly keySpent: bigint
  readonly charges: ReadonlyMap<string, Charge>
  /** More rows of `charges` than requests that have one. */
  readonly doubles: number
  readonly requests: ReadonlyMap<string, Recorded>
  readonly nodes: number
}

export function readBooks(dataDir: string): Books {
  const database = new DatabaseSync(join(dataDir, 'yumen.db'), { readOnly: true })
  const rows = (sql: string) => {
    const statement = database.prepare(sql)
    statement.setReadBigInts(true)
    return statement.all()
  }
  const amountOf = (value: unknown) => BigInt(String(value ?? 0))
  try {
    database.exec('BEGIN') // one state for all that is read
    const [account] = rows('SELECT sum(balance_nusd) AS balance, sum(spent_nusd) AS spent FROM accounts')
    const [key] = rows('SELECT sum(spent_nusd) AS spent FROM api_keys')
    const charges = rows('SELECT id, amount_nusd FROM charges').map(row => ({
      id: String(row['id']),
      amount: amountOf(row['amount_nusd']),
    }))
    const requests = rows('SELECT id, class, status, packed FROM requests').map(recordedOf)
    const byId = new Map(charges.map(charge => [charge.id, charge]))
    return {
      balance: amountOf(account?.['balance']),
      spent: amountOf(account?.['spent']),
      keySpent: amountOf(key?.['spent']),
      charges: byId,
      doubles: charges.length - byId.size,
      requests: new Map(requests.map(request => [request.id, request])),
      nodes: Number(rows('SELECT count(*) AS nodes FROM nodes')[0]?.['nodes']),
    }
  } finally {
    database.close()
  }
}

/** The record of an ended request: it is in the store within a second. */
export function findRecord(dataDir: string, id: string): Promise<Recorded & { readonly amount: bigint }> {
  return eventually(() => {
    const { requests, charges } = readBooks(dataDir)
    const record = requests.get(id)
    return record && { ...record, amount: charges.get(id)?.amount ?? 0n }
  })
}

/** A row of `requests`, of whichever store. */
export function recordedOf(row: Readonly<Record<string, unknown>>) {
  const { usage, source, attempts } = JSON.parse(String(row['packed']))
  const [id, outcome] = [String(row['id']), String(row['class'])]
  return { id, class: outcome, status: Number(row['status']), usage, source, attempts }
}
