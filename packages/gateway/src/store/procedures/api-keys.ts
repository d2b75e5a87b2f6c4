import { StoreError } from '../types.ts'
import type { Procedure } from './index.ts'
import { raiseRevision } from './revisions.ts'
import { checkGroup, getUser } from './users.ts'

export const createApiKey: Procedure<'createApiKey'> = async (tx, args) => {
  const db = await tx.kysely()
  const revision = await raiseRevision(tx, 'keys')
  const user = await getUser(db, args.username)
  if (args.group !== undefined) await checkGroup(db, args.group)
  const same = await db
    .selectFrom('api_keys')
    .select('id')
    .where('user_id', '=', user.id)
    .where('name', '=', args.name)
    .limit(1)
    .executeTakeFirst()
  if (same !== undefined)
    throw new StoreError('not_unique', `${args.username} has a key ${args.name} already`)
  return db
    .insertInto('api_keys')
    .values({
      account_id: user.account_id,
      user_id: user.id,
      organisation_id: null,
      name: args.name,
      hash: args.hash,
      hint: args.hint,
      status: 'enabled',
      group_name: args.group ?? null,
      models: jsonOrNull(args.models),
      deny_models: jsonOrNull(args.denyModels),
      endpoints: jsonOrNull(args.endpoints),
      allow_ips: jsonOrNull(args.allowIps),
      expires_at: args.expiresAt ?? null,
      limit_nusd: args.limit ?? null,
      spent_nusd: 0n,
      rate_limit: null,
      body_logging: 0,
      created_at: args.now,
      updated_at: args.now,
      revision,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
}

const jsonOrNull = (names: readonly string[] | undefined) =>
  names === undefined ? null : JSON.stringify(names)

export const updateApiKey: Procedure<'updateApiKey'> = async (tx, { id, status, expiresAt, now }) => {
  const db = await tx.kysely()
  const revision = await raiseRevision(tx, 'keys')
  const { numUpdatedRows } = await db
    .updateTable('api_keys')
    .set({
      ...(status === undefined ? {} : { status }),
      ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
      updated_at: now,
      revision,
    })
    .where('id', '=', id)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) throw new StoreError('not_found', `there is no API key ${id}`)
}

/** Its charges and requests stay: they refer to it by number. */
export const removeApiKey: Procedure<'removeApiKey'> = async (tx, { id }) => {
  await raiseRevision(tx, 'keys')
  const removed = await tx.change('DELETE FROM api_keys WHERE id = $1', [id])
  if (removed === 0) throw new StoreError('not_found', `there is no API key ${id}`)
}
