import type { Apply } from './context.ts'
import { canonicalJson, parseJson } from './members.ts'

/**
 * Values are shown: which of them are secrets is known to the registry of options, whose command prints the
 * changes.
 */
export async function applyOptions(apply: Apply): Promise<void> {
  const { db, desired, now, changes } = apply
  for (const { key, value: wanted } of desired.options) {
    const value = canonicalJson(wanted)
    const row = await db.selectFrom('options').selectAll().where('key', '=', key).executeTakeFirst()
    if (row !== undefined && canonicalJson(parseJson(row.value)) === value) continue
    await apply.revision('configuration')
    await db
      .insertInto('options')
      .values({ key, value, updated_at: now })
      .onConflict(conflict => conflict.column('key').doUpdateSet({ value, updated_at: now }))
      .execute()
    if (row === undefined) await apply.remember('option', key)
    const before = row === undefined ? undefined : parseJson(row.value)
    const action = row === undefined ? 'create' : 'update'
    changes.push({ action, kind: 'option', name: key, fields: { value: [before, wanted] } })
  }
}
