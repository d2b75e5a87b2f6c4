import type { Kysely } from 'kysely'
import type { NewRow, Row, Tables } from '../schema.ts'
import { StoreError } from '../types.ts'
import type { Procedure } from './index.ts'
import { raiseRevision } from './revisions.ts'

export const createUser: Procedure<'createUser'> = async (tx, args) => {
  const db = await tx.kysely()
  const revision = await raiseRevision(tx, 'keys')
  await checkGroup(db, args.group)
  if ((await findUser(db, args.username)) !== undefined) {
    throw new StoreError('not_unique', `there is a user ${args.username} already`)
  }
  return insertUser(db, { ...args, revision })
}

export interface NewUser {
  readonly username: string
  readonly role: Row<'users'>['role']
  readonly group: string
  readonly passwordHash: string | undefined
  /** Nano-dollars; `unlimited` makes the account tracked. */
  readonly balance: bigint | 'unlimited'
  readonly now: number
  readonly revision: number
}

/** A user and the account that is his. */
export async function insertUser(
  db: Kysely<Tables>,
  user: NewUser,
): Promise<{ id: number; accountId: number }> {
  const { username, role, group, passwordHash, balance, now, revision } = user
  const credit = balance === 'unlimited' ? 0n : balance
  const account = await db
    .insertInto('accounts')
    .values({
      owner_kind: 'user',
      kind: balance === 'unlimited' ? 'tracked' : 'prepaid',
      balance_nusd: credit,
      available_nusd: credit,
      spent_nusd: 0n,
      created_at: now,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const row: NewRow<'users'> = {
    username,
    display_name: username,
    role,
    status: 'enabled',
    password_hash: passwordHash ?? null,
    group_name: group,
    account_id: account.id,
    created_at: now,
    updated_at: now,
    revision,
  }
  const { id } = await db.insertInto('users').values(row).returning('id').executeTakeFirstOrThrow()
  return { id, accountId: account.id }
}

export const updateUser: Procedure<'updateUser'> = async (tx, args) => {
  const db = await tx.kysely()
  const { username, role, group, status, passwordHash, now } = args
  const revision = await raiseRevision(tx, 'keys')
  const user = await getUser(db, username)
  if (group !== undefined) await checkGroup(db, group)
  const isRootAfter = (role ?? user.role) === 'root' && (status ?? user.status) === 'enabled'
  if (!isRootAfter) await keepOneRoot(db, user)
  await db
    .updateTable('users')
    .set({
      ...(role === undefined ? {} : { role }),
      ...(group === undefined ? {} : { group_name: group }),
      ...(status === undefined ? {} : { status }),
      ...(passwordHash === undefined ? {} : { password_hash: passwordHash }),
      updated_at: now,
      revision,
    })
    .where('id', '=', user.id)
    .execute()
}

/** `invalid` when `user` is the last root who can sign in: he may neither be disabled nor lose his role. */
export async function keepOneRoot(
  db: Kysely<Tables>,
  user: Pick<Row<'users'>, 'id' | 'role' | 'status' | 'username'>,
) {
  if (user.role !== 'root' || user.status !== 'enabled') return
  const other = await db
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'root')
    .where('status', '=', 'enabled')
    .where('id', '!=', user.id)
    .limit(1)
    .executeTakeFirst()
  if (other === undefined) throw new StoreError('invalid', `${user.username} is the last enabled root user`)
}

export function findUser(db: Kysely<Tables>, username: string): Promise<Row<'users'> | undefined> {
  return db.selectFrom('users').selectAll().where('username', '=', username).executeTakeFirst()
}

export async function getUser(db: Kysely<Tables>, username: string): Promise<Row<'users'>> {
  const user = await findUser(db, username)
  if (user === undefined) throw new StoreError('not_found', `there is no user ${username}`)
  return user
}

export async function checkGroup(db: Kysely<Tables>, name: string): Promise<void> {
  const group = await db.selectFrom('groups').select('name').where('name', '=', name).executeTakeFirst()
  if (group === undefined) throw new StoreError('invalid', `there is no group ${name}`)
}
