import type { Procedure } from './index.ts'

/** A slice at a time, from the oldest on: the writer is never held for long. */
export const removeOldRequests: Procedure<'removeOldRequests'> = async (tx, { beforeId, limit }) =>
  tx.change(
    `DELETE FROM requests
      WHERE id IN (SELECT id FROM requests WHERE id < $1 ORDER BY id LIMIT ${Math.trunc(limit)})`,
    [beforeId],
  )
