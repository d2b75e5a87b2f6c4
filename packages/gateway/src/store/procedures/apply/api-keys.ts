import type { DesiredApiKey } from '../../../config/desired-state.ts'
import type { Row } from '../../schema.ts'
import type { SqlValue } from '../../transaction.ts'
import { StoreError } from '../../types.ts'
import { findUser } from '../users.ts'
import type { Apply } from './context.ts'
import { groupCheck } from './groups.ts'
import {
  differences,
  hiddenValue,
  insertColumns,
  isEmpty,
  type Member,
  membersOf,
  updateColumns,
} from './members.ts'

const { plain, json, flag } = membersOf<'api_keys'>()

export async function applyApiKeys(apply: Apply): Promise<void> {
  const checkGroup = await groupCheck(apply)
  for (const [index, key] of apply.desired.apiKeys.entries()) {
    const path = `apiKeys[${index}]`
    checkGroup(key.group, `${path}.group`)
    const user = await findUser(apply.db, key.user)
    if (user === undefined) throw new StoreError('invalid', `${path}.user: there is no user ${key.user}`)
    const row = await findKey(apply, user, key.name)
    await refuseForeignSecret(apply, { key, row, path })
    if (row === undefined) await create(apply, key, user)
    else await update(apply, key, row)
  }
}

async function create(apply: Apply, key: DesiredApiKey, user: Row<'users'>): Promise<void> {
  const { tx, now } = apply
  const { columns, fields } = differences(undefined, membersOfKey(key))
  const fixed: Record<string, SqlValue> = {
    account_id: user.account_id,
    user_id: user.id,
    name: key.name,
    hash: key.secret.hash,
    hint: key.secret.hint,
    status: 'enabled',
    spent_nusd: 0n,
    body_logging: 0,
    created_at: now,
    updated_at: now,
    revision: await apply.revision('keys'),
  }
  await insertColumns(tx, 'api_keys', { ...fixed, ...columns })
  await apply.remember('apiKey', nameOf(key))
  const secret = { key: [undefined, hiddenValue] as const }
  apply.changes.push({
    action: 'create',
    kind: 'apiKey',
    name: nameOf(key),
    fields: { ...secret, ...fields },
  })
}

async function update(apply: Apply, key: DesiredApiKey, row: Row<'api_keys'>): Promise<void> {
  const { tx, now } = apply
  const { secret } = key
  const difference = differences(row, membersOfKey(key))
  const isReplaced = !secret.isGenerated && secret.hash !== row.hash
  if (isEmpty(difference) && !isReplaced) return
  const revision = await apply.revision('keys')
  const replaced = isReplaced ? { hash: secret.hash, hint: secret.hint } : {}
  const columns = { ...difference.columns, ...replaced, updated_at: now, revision }
  await updateColumns(tx, { table: 'api_keys', key: ['id', row.id] }, columns)
  const shown = isReplaced ? { key: [hiddenValue, hiddenValue] as const } : {}
  const fields = { ...shown, ...difference.fields }
  apply.changes.push({ action: 'update', kind: 'apiKey', name: nameOf(key), fields })
}

function membersOfKey(key: DesiredApiKey): Member[] {
  return [
    json(['models', 'models'], key.models),
    json(['denyModels', 'deny_models'], key.denyModels),
    json(['endpoints', 'endpoints'], key.endpoints),
    flag(['bodyLogging', 'body_logging'], key.bodyLogging),
    plain(['group', 'group_name'], key.group),
    plain(['limit', 'limit_nusd'], key.limit),
    plain(['expiresAt', 'expires_at'], key.expiresAt),
    json(['allowIps', 'allow_ips'], key.allowIps),
    json(['rateLimit', 'rate_limit'], key.rateLimit),
    {
      name: 'enabled',
      column: 'status',
      wanted: key.enabled === undefined ? undefined : key.enabled ? 'enabled' : 'disabled',
      show: stored => stored === 'enabled',
    },
  ]
}

/** As `applied_objects` and the printed changes name a key. */
const nameOf = (key: DesiredApiKey) => `${key.user}/${key.name}`

/** The oldest of that name: an import may bring twins. */
export function findKey(
  { db }: Apply,
  user: Row<'users'>,
  name: string,
): Promise<Row<'api_keys'> | undefined> {
  return db
    .selectFrom('api_keys')
    .selectAll()
    .where('user_id', '=', user.id)
    .where('name', '=', name)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
}

async function refuseForeignSecret(
  { db }: Apply,
  { key, row, path }: { key: DesiredApiKey; row: Row<'api_keys'> | undefined; path: string },
): Promise<void> {
  if (key.secret.isGenerated || row?.hash === key.secret.hash) return
  const owner = await db
    .selectFrom('api_keys')
    .select('name')
    .where('hash', '=', key.secret.hash)
    .executeTakeFirst()
  if (owner !== undefined)
    throw new StoreError('invalid', `${path}.key: this is already the key named ${owner.name}`)
}
