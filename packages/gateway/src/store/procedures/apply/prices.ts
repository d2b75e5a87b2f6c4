import { hash } from 'node:crypto'
import type { Row } from '../../schema.ts'
import type { Apply } from './context.ts'
import { canonicalJson, parseJson } from './members.ts'

/**
 * A price version never changes: other rates close the one in force and open a new one at the same moment.
 */
export async function applyPrices(apply: Apply): Promise<void> {
  const { db, desired, now, changes } = apply
  for (const { pattern, rates } of desired.prices) {
    const body = canonicalJson(rates)
    const bodyHash = hash('sha256', body)
    const row = await findInForce(apply, pattern)
    if (row?.body_hash === bodyHash) continue
    await apply.revision('configuration')
    const from = Math.max(now, row?.valid_from ?? now)
    if (row !== undefined) await closePrice(apply, row)
    await db
      .insertInto('price_versions')
      .values({
        pattern,
        rates: body,
        body_hash: bodyHash,
        valid_from: from,
        valid_to: null,
        source: desired.source,
      })
      .execute()
    if (row === undefined) await apply.remember('price', pattern)
    const fields = { rates: [row === undefined ? undefined : parseJson(row.rates), rates] } as const
    changes.push({ action: row === undefined ? 'create' : 'update', kind: 'price', name: pattern, fields })
  }
}

export function findInForce({ db }: Apply, pattern: string): Promise<Row<'price_versions'> | undefined> {
  return db
    .selectFrom('price_versions')
    .selectAll()
    .where('pattern', '=', pattern)
    .where('valid_to', 'is', null)
    .executeTakeFirst()
}

/** A clock that went back must not end a version before it began. */
export async function closePrice({ db, now }: Apply, row: Row<'price_versions'>): Promise<void> {
  await db
    .updateTable('price_versions')
    .set({ valid_to: Math.max(now, row.valid_from) })
    .where('id', '=', row.id)
    .execute()
}
