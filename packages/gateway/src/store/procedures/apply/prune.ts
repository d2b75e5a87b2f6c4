import type { StateChange } from '../../../config/desired-state.ts'
import type { SqlValue } from '../../transaction.ts'
import { StoreError } from '../../types.ts'
import { findUser, keepOneRoot } from '../users.ts'
import { findKey } from './api-keys.ts'
import { findChannel } from './channels.ts'
import type { Apply } from './context.ts'
import { parseJson } from './members.ts'
import { closePrice, findInForce } from './prices.ts'
import { prunedUser } from './users.ts'

type Kind = StateChange['kind']

/**
 * Answers whether there was anything to remove. Never charges or requests; users are disabled, price versions
 * closed.
 */
type Remove = (apply: Apply, name: string) => Promise<boolean>

/** In this order: what refers to others before what is referred to. */
const removals: Readonly<Record<Kind, Remove>> = {
  option: removeOption,
  channel: removeChannel,
  apiKey: removeApiKey,
  user: disableUser,
  price: removePrice,
  group: removeGroup,
}

/** Removes what an earlier `apply` of the same file made and the file no longer names. */
export async function prune(apply: Apply): Promise<void> {
  const named = namesIn(apply)
  for (const [kind, remove] of Object.entries(removals)) {
    for (const name of await madeBefore(apply, kind)) {
      if (named.has(`${kind} ${name}`)) continue
      await forget(apply, kind, name)
      if (!(await remove(apply, name))) continue
      apply.changes.push({ action: 'remove', kind: kind as Kind, name, fields: {} })
    }
  }
}

function namesIn({ desired }: Apply): ReadonlySet<string> {
  return new Set([
    ...desired.options.map(option => `option ${option.key}`),
    ...desired.channels.map(channel => `channel ${channel.name}`),
    ...desired.apiKeys.map(key => `apiKey ${key.user}/${key.name}`),
    ...desired.users.map(user => `user ${user.username}`),
    ...desired.prices.map(price => `price ${price.pattern}`),
    ...desired.groups.map(group => `group ${group.name}`),
  ])
}

async function madeBefore({ db, desired }: Apply, kind: string): Promise<string[]> {
  const rows = await db
    .selectFrom('applied_objects')
    .select('name')
    .where('source', '=', desired.source)
    .where('kind', '=', kind)
    .orderBy('name')
    .execute()
  return rows.map(row => row.name)
}

async function forget({ db, desired }: Apply, kind: string, name: string): Promise<void> {
  await db
    .deleteFrom('applied_objects')
    .where('source', '=', desired.source)
    .where('kind', '=', kind)
    .where('name', '=', name)
    .execute()
}

async function removeOption(apply: Apply, key: string): Promise<boolean> {
  return removed(apply, 'configuration', await remove(apply, 'DELETE FROM options WHERE key = $1', [key]))
}

async function removeChannel(apply: Apply, name: string): Promise<boolean> {
  const channel = await findChannel(apply, name)
  if (channel === undefined) return false
  return removed(
    apply,
    'configuration',
    await remove(apply, 'DELETE FROM channels WHERE id = $1', [channel.id]),
  )
}

async function removeApiKey(apply: Apply, name: string): Promise<boolean> {
  const slash = name.indexOf('/')
  const user = await findUser(apply.db, name.slice(0, slash))
  const key = user === undefined ? undefined : await findKey(apply, user, name.slice(slash + 1))
  if (key === undefined) return false
  return removed(apply, 'keys', await remove(apply, 'DELETE FROM api_keys WHERE id = $1', [key.id]))
}

async function disableUser(apply: Apply, username: string): Promise<boolean> {
  const user = await findUser(apply.db, username)
  if (user === undefined || user.status === 'disabled') return false
  await keepOneRoot(apply.db, user)
  await apply.db
    .updateTable('users')
    .set({ status: 'disabled', updated_at: apply.now, revision: await apply.revision('keys') })
    .where('id', '=', user.id)
    .execute()
  await apply.tx.change(
    `INSERT INTO applied_objects (source, kind, name) VALUES ($1, '${prunedUser}', $2)
      ON CONFLICT (source, kind, name) DO NOTHING`,
    [apply.desired.source, username],
  )
  return true
}

async function removePrice(apply: Apply, pattern: string): Promise<boolean> {
  const price = await findInForce(apply, pattern)
  if (price === undefined) return false
  await apply.revision('configuration')
  await closePrice(apply, price)
  return true
}

/**
 * Refuses a group in use. What is disabled does not use it: disabled users return to `default`, keys to the
 * user's group.
 */
async function removeGroup(apply: Apply, name: string): Promise<boolean> {
  if (name === 'default') return false
  const user = await findGroupUser(apply, name)
  if (user !== undefined) throw new StoreError('invalid', `groups.${name}: cannot go, ${user} is in it`)
  const args = [name, apply.now, await apply.revision('keys')]
  await apply.tx.change(
    "UPDATE users SET group_name = 'default', updated_at = $2, revision = $3 WHERE group_name = $1",
    args,
  )
  await apply.tx.change(
    'UPDATE api_keys SET group_name = NULL, updated_at = $2, revision = $3 WHERE group_name = $1',
    args,
  )
  return removed(apply, 'configuration', await remove(apply, 'DELETE FROM groups WHERE name = $1', [name]))
}

async function findGroupUser({ db }: Apply, group: string): Promise<string | undefined> {
  const user = await db
    .selectFrom('users')
    .select('username')
    .where('group_name', '=', group)
    .where('status', '=', 'enabled')
    .limit(1)
    .executeTakeFirst()
  if (user !== undefined) return `user ${user.username}`
  const key = await db
    .selectFrom('api_keys')
    .select('name')
    .where('group_name', '=', group)
    .where('status', '=', 'enabled')
    .limit(1)
    .executeTakeFirst()
  if (key !== undefined) return `API key ${key.name}`
  const organisation = await db
    .selectFrom('organisations')
    .select('slug')
    .where('group_name', '=', group)
    .limit(1)
    .executeTakeFirst()
  if (organisation !== undefined) return `organisation ${organisation.slug}`
  const channels = await db.selectFrom('channels').select(['name', 'groups']).execute()
  const channel = channels.find(({ groups }) => isMember(parseJson(groups), group))
  return channel === undefined ? undefined : `channel ${channel.name}`
}

const isMember = (groups: unknown, name: string) => Array.isArray(groups) && groups.includes(name)

function remove({ tx }: Apply, sql: string, parameters: readonly SqlValue[]): Promise<number> {
  return tx.change(sql, parameters)
}

async function removed(apply: Apply, scope: 'configuration' | 'keys', count: number): Promise<boolean> {
  if (count > 0) await apply.revision(scope)
  return count > 0
}
