import type { DesiredUser } from '../../../config/desired-state.ts'
import type { Row } from '../../schema.ts'
import { findUser, insertUser, keepOneRoot } from '../users.ts'
import type { Apply } from './context.ts'
import { groupCheck } from './groups.ts'
import { type Difference, differences, hiddenValue, isEmpty, membersOf, updateColumns } from './members.ts'

const { plain } = membersOf<'users'>()

export async function applyUsers(apply: Apply): Promise<void> {
  const checkGroup = await groupCheck(apply)
  for (const [index, user] of apply.desired.users.entries()) {
    checkGroup(user.group, `users[${index}].group`)
    const row = await findUser(apply.db, user.username)
    if (row === undefined) await create(apply, user)
    else await update(apply, user, row)
  }
}

async function create(apply: Apply, user: DesiredUser): Promise<void> {
  const { username, role = 'user', group = 'default', passwordHash } = user
  const balance = user.balance ?? (role === 'root' ? 'unlimited' : 0n)
  const revision = await apply.revision('keys')
  await insertUser(apply.db, { username, role, group, passwordHash, balance, now: apply.now, revision })
  await apply.remember('user', username)
  const fields = {
    ...differences(undefined, membersOfUser(user)).fields,
    balance: [undefined, balance] as const,
    ...(passwordHash === undefined ? {} : { password: [undefined, hiddenValue] as const }),
  }
  apply.changes.push({ action: 'create', kind: 'user', name: username, fields })
}

async function update(apply: Apply, user: DesiredUser, row: Row<'users'>): Promise<void> {
  const { tx, now } = apply
  const difference = differences(row, membersOfUser(user))
  const revived = await revive(apply, row)
  const columns = { ...difference.columns, ...revived.columns }
  if (isEmpty({ ...difference, columns })) return
  if (user.role !== undefined && user.role !== 'root') await keepOneRoot(apply.db, row)
  const revision = await apply.revision('keys')
  await updateColumns(tx, { table: 'users', key: ['id', row.id] }, { ...columns, updated_at: now, revision })
  const fields = { ...difference.fields, ...revived.fields }
  apply.changes.push({ action: 'update', kind: 'user', name: user.username, fields })
}

const membersOfUser = (user: DesiredUser) => [
  plain(['role', 'role'], user.role),
  plain(['group', 'group_name'], user.group),
]

/**
 * A user whom an earlier `--prune` of this file disabled comes back with the file; whom an admin disabled
 * does not.
 */
async function revive({ tx, desired }: Apply, row: Row<'users'>): Promise<Difference> {
  const known = await tx.change('DELETE FROM applied_objects WHERE source = $1 AND kind = $2 AND name = $3', [
    desired.source,
    prunedUser,
    row.username,
  ])
  if (known === 0) return { columns: {}, fields: {} }
  await tx.change('INSERT INTO applied_objects (source, kind, name) VALUES ($1, $2, $3)', [
    desired.source,
    'user',
    row.username,
  ])
  if (row.status === 'enabled') return { columns: {}, fields: {} }
  return { columns: { status: 'enabled' }, fields: { status: ['disabled', 'enabled'] } }
}

/** In the place of `user` in `applied_objects`. */
export const prunedUser = 'prunedUser'
