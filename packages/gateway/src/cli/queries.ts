import type { Db, Row } from '#store'

export type UserLine = Awaited<ReturnType<typeof listUsers>>[number]
export type ApiKeyLine = Awaited<ReturnType<typeof listApiKeys>>[number]

/** Users with their accounts, in the order of their ids. */
export function listUsers(db: Db) {
  return selectUsers(db).orderBy('users.id').execute()
}

export function findUser(db: Db, username: string): Promise<UserLine | undefined> {
  return selectUsers(db).where('users.username', '=', username).executeTakeFirst()
}

function selectUsers(db: Db) {
  return db
    .selectFrom('users')
    .innerJoin('accounts', 'accounts.id', 'users.account_id')
    .select([
      'users.id',
      'users.username',
      'users.role',
      'users.status',
      'users.group_name',
      'users.account_id',
      'accounts.kind',
      'accounts.balance_nusd',
      'accounts.available_nusd',
      'accounts.spent_nusd',
    ])
}

/** API keys with their owners, in the order of their ids; of one user when `username` is given. */
export function listApiKeys(db: Db, username?: string) {
  const all = selectApiKeys(db).orderBy('api_keys.id')
  return (username === undefined ? all : all.where('users.username', '=', username)).execute()
}

export function findApiKey(db: Db, id: number): Promise<ApiKeyLine | undefined> {
  return selectApiKeys(db).where('api_keys.id', '=', id).executeTakeFirst()
}

function selectApiKeys(db: Db) {
  return db
    .selectFrom('api_keys')
    .innerJoin('users', 'users.id', 'api_keys.user_id')
    .selectAll('api_keys')
    .select('users.username')
}

export function listChannels(db: Db): Promise<Row<'channels'>[]> {
  return db.selectFrom('channels').selectAll().orderBy('priority', 'desc').orderBy('id').execute()
}

/** The oldest channel of that name, or the one with that id. */
export function findChannel(db: Db, nameOrId: string): Promise<Row<'channels'> | undefined> {
  const id = /^\d{1,15}$/.test(nameOrId) ? Number(nameOrId) : undefined
  return db
    .selectFrom('channels')
    .selectAll()
    .where(where =>
      id === undefined
        ? where('name', '=', nameOrId)
        : where.or([where('name', '=', nameOrId), where('id', '=', id)]),
    )
    .orderBy('id')
    .executeTakeFirst()
}

/** Members of a channel that may have no effect yet, as `findIdle` takes them. */
export function idlePartsOf(row: Row<'channels'>) {
  return { name: row.name, settings: JSON.parse(row.settings) }
}

/** Fingerprints of its keys, in their order. */
export async function listFingerprints(db: Db, channelId: number): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('channel_keys')
    .select('fingerprint')
    .where('channel_id', '=', channelId)
    .orderBy('position')
    .execute()
  return rows.map(row => row.fingerprint)
}

export interface Counts {
  readonly users: number
  readonly apiKeys: number
  readonly channels: number
  readonly channelsEnabled: number
  readonly prices: number
}

/** How much there is of what a gateway needs. */
export async function countAll(db: Db): Promise<Counts> {
  const count = async (table: 'users' | 'api_keys') =>
    Number(
      (
        await db
          .selectFrom(table)
          .select(of => of.fn.countAll().as('count'))
          .executeTakeFirstOrThrow()
      ).count,
    )
  const channels = await db.selectFrom('channels').select('enabled').execute()
  const prices = await db
    .selectFrom('price_versions')
    .select('pattern')
    .where('valid_to', 'is', null)
    .execute()
  return {
    users: await count('users'),
    apiKeys: await count('api_keys'),
    channels: channels.length,
    channelsEnabled: channels.filter(({ enabled }) => enabled !== 0).length,
    prices: prices.length,
  }
}
