import type { Procedure } from './index.ts'

/** The rule is inside the statement: of two that come at once the second finds a lease that is in force. */
export const holdLeadership: Procedure<'holdLeadership'> = async (tx, { name, node, now, until }) => {
  const changed = await tx.change(
    `INSERT INTO leaders (name, node_id, held_until) VALUES ($1, $2, $3)
      ON CONFLICT (name) DO UPDATE SET node_id = excluded.node_id, held_until = excluded.held_until
      WHERE leaders.node_id = excluded.node_id OR leaders.held_until <= $4`,
    [name, node, until, now],
  )
  return changed > 0
}

export const leaveLeadership: Procedure<'leaveLeadership'> = async (tx, { name, node }) => {
  await tx.change('DELETE FROM leaders WHERE name = $1 AND node_id = $2', [name, node])
}
