import type { DesiredState } from '../../../config/desired-state.ts'
import type { Transaction } from '../../transaction.ts'
import { StoreError } from '../../types.ts'
import type { Procedure } from '../index.ts'
import { applyApiKeys } from './api-keys.ts'
import { applyChannels } from './channels.ts'
import { type Apply, startApply } from './context.ts'
import { applyGroups } from './groups.ts'
import { applyOptions } from './options.ts'
import { applyPrices } from './prices.ts'
import { prune } from './prune.ts'
import { applyUsers } from './users.ts'

/**
 * Brings the store to a declarative file's state; answers what changed, field by field. Applying again
 * answers nothing. A dry run does all of it and rolls back, so that it cannot tell another story. `invalid`
 * names the path in the file.
 */
export const applyState: Procedure<'applyState'> = async (tx, { desired, prune: isPruning, dryRun, now }) => {
  refuseTwins(desired)
  await lockScopes(tx)
  const apply: Apply = startApply({ tx, db: await tx.kysely(), desired, now })
  await applyGroups(apply)
  await applyPrices(apply)
  await applyUsers(apply)
  await applyApiKeys(apply)
  await applyChannels(apply)
  await applyOptions(apply)
  if (isPruning) await prune(apply)
  if (dryRun) tx.discard()
  return { changes: apply.changes }
}

/**
 * Two that apply at once take turns, in PostgreSQL too; both scopes in one order, so that they cannot
 * deadlock.
 */
async function lockScopes(tx: Transaction): Promise<void> {
  if (tx.kind === 'postgres') await tx.query('SELECT scope FROM revisions ORDER BY scope FOR UPDATE')
}

/** The file's own contradictions: of two objects with one name the second would undo the first, each time. */
function refuseTwins(desired: DesiredState): void {
  const lists: Record<string, readonly string[]> = {
    groups: desired.groups.map(group => group.name),
    prices: desired.prices.map(price => price.pattern),
    users: desired.users.map(user => user.username),
    apiKeys: desired.apiKeys.map(key => `${key.user}/${key.name}`),
    channels: desired.channels.map(channel => channel.name),
    options: desired.options.map(option => option.key),
  }
  for (const [list, names] of Object.entries(lists)) {
    const twin = names.findIndex((name, index) => names.indexOf(name) < index)
    if (twin >= 0) throw new StoreError('invalid', `${list}[${twin}]: ${names[twin]} is in the file twice`)
  }
}
