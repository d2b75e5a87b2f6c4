import type { Row } from '../schema.ts'
import type { Transaction } from '../transaction.ts'
import type { Procedure } from './index.ts'

export type RevisionScope = Row<'revisions'>['scope']

/**
 * Raises a scope's counter; answers the new number, which every changed row is stamped with. In PostgreSQL
 * this is also the lock of the scope: who sees revision n sees all rows of revisions up to n.
 */
export async function raiseRevision(tx: Transaction, scope: RevisionScope): Promise<number> {
  const [row] = await tx.query(
    'UPDATE revisions SET revision = revision + 1 WHERE scope = $1 RETURNING revision',
    [scope],
  )
  if (row === undefined) throw new Error(`there is no revision of ${scope}`)
  return Number(row['revision'])
}

export const readRevisions: Procedure<'readRevisions'> = async tx => {
  const rows = await tx.query('SELECT scope, revision FROM revisions')
  const revisions = new Map(rows.map(row => [row['scope'], Number(row['revision'])]))
  const of = (scope: RevisionScope) => revisions.get(scope) ?? 0
  return { configuration: of('configuration'), keys: of('keys'), health: of('health') }
}
