import type { Kysely } from 'kysely'
import type { DesiredState, StateChange } from '../../../config/desired-state.ts'
import type { Tables } from '../../schema.ts'
import type { Transaction } from '../../transaction.ts'
import { type RevisionScope, raiseRevision } from '../revisions.ts'

/** What the steps of one `apply` share. */
export interface Apply {
  readonly tx: Transaction
  readonly db: Kysely<Tables>
  readonly desired: DesiredState
  readonly now: number
  readonly changes: StateChange[]
  /** The number for changed rows of a scope: raised once, when the first of them changes. */
  revision(scope: RevisionScope): Promise<number>
  /** Notes that this file made the object: `--prune` may remove it. */
  remember(kind: StateChange['kind'], name: string): Promise<void>
}

export function startApply(parts: Pick<Apply, 'tx' | 'db' | 'desired' | 'now'>): Apply {
  const { tx, desired } = parts
  const raised = new Map<RevisionScope, number>()
  return {
    ...parts,
    changes: [],
    async revision(scope) {
      const number = raised.get(scope) ?? (await raiseRevision(tx, scope))
      raised.set(scope, number)
      return number
    },
    async remember(kind, name) {
      await tx.change(
        `INSERT INTO applied_objects (source, kind, name) VALUES ($1, $2, $3)
          ON CONFLICT (source, kind, name) DO NOTHING`,
        [desired.source, kind, name],
      )
    },
  }
}
