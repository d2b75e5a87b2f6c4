import type { SqlRow } from '../transaction.ts'
import { StoreError } from '../types.ts'
import type { Procedure } from './index.ts'

/** Two that open an empty database at once agree: `only_row` admits one. */
export const openInstallation: Procedure<'openInstallation'> = async (tx, { id, now }) => {
  await tx.change(
    'INSERT INTO installation (id, epoch, created_at) VALUES ($1, 1, $2) ON CONFLICT (only_row) DO NOTHING',
    [id, now],
  )
  const [row] = await tx.query('SELECT id, epoch FROM installation')
  if (row === undefined) throw new Error('the installation row was made and is not there')
  return { id: String(row['id']), epoch: Number(row['epoch']) }
}

export const startNode: Procedure<'startNode'> = async (tx, { id, epoch, now, heartbeatUntil }) => {
  await tx.change(
    'INSERT INTO nodes (id, epoch, state, started_at, heartbeat_until, mark) VALUES ($1, $2, $3, $4, $5, 0)',
    [id, epoch, 'live', now, heartbeatUntil],
  )
}

export const heartbeat: Procedure<'heartbeat'> = async (tx, { id, now, heartbeatUntil }) => {
  const changed = await tx.change('UPDATE nodes SET heartbeat_until = $2 WHERE id = $1', [id, heartbeatUntil])
  if (changed === 0)
    throw new StoreError('not_found', `there is no node ${id}: it was adopted or written off`)
  const [row] = await tx.query('SELECT count(*) AS live FROM nodes WHERE heartbeat_until > $1', [now])
  return { liveNodes: Number(row?.['live'] ?? 1) }
}

export const endNode: Procedure<'endNode'> = async (tx, { id }) => {
  await tx.change('DELETE FROM nodes WHERE id = $1', [id])
}

export const nodeMark: Procedure<'nodeMark'> = async (tx, { id }) => {
  const rows: readonly SqlRow[] = await tx.query('SELECT mark FROM nodes WHERE id = $1', [id])
  const mark = rows[0]?.['mark']
  return mark === undefined ? undefined : Number(mark)
}
