import type { Transaction } from '../transaction.ts'
import { StoreError } from '../types.ts'
import type { Procedure } from './index.ts'
import { raiseRevision } from './revisions.ts'

export const updateChannel: Procedure<'updateChannel'> = async (tx, args) => {
  const { name, enabled, weight, priority, now } = args
  const db = await tx.kysely()
  const revision = await raiseRevision(tx, 'configuration')
  await db
    .updateTable('channels')
    .set({
      ...(enabled === undefined ? {} : { enabled: enabled ? 1 : 0 }),
      ...(weight === undefined ? {} : { weight }),
      ...(priority === undefined ? {} : { priority }),
      updated_at: now,
      revision,
    })
    .where('id', '=', await getChannelId(tx, name))
    .execute()
}

export const removeChannel: Procedure<'removeChannel'> = async (tx, { name }) => {
  await raiseRevision(tx, 'configuration')
  await tx.change('DELETE FROM channels WHERE id = $1', [await getChannelId(tx, name)])
}

/** An import may bring several channels of one name: a name alone then means none of them. */
async function getChannelId(tx: Transaction, name: string): Promise<number> {
  const [channel, second] = await tx.query('SELECT id FROM channels WHERE name = $1 LIMIT 2', [name])
  if (channel === undefined) throw new StoreError('not_found', `there is no channel ${name}`)
  if (second !== undefined)
    throw new StoreError('invalid', `several channels are named ${name}: rename them first`)
  return Number(channel['id'])
}
