import type { Db, Row } from '#store'
import { definedMembers } from '../members.ts'
import { exportChannels } from './export-channels.ts'
import { jsonOf, usdOf, withoutRepeats } from './export-parts.ts'
import { renderExport } from './render-export.ts'

export interface ExportParts {
  readonly db: Db
  readonly now: number
  /** Opens sealed channel keys for `--with-secrets`; without it they are references to the environment. */
  readonly openChannelKey: ((sealed: string) => string) | undefined
}

export interface Exported {
  readonly content: Readonly<Record<string, unknown>>
  /** What the file cannot say. */
  readonly leftOut: readonly string[]
  /** The content in YAML, with comments. */
  readonly yaml: string
}

/**
 * The present state of the store as a declarative file. Applied to the same store it changes nothing.
 * API keys and passwords are stored as hashes, so they are not in it; of things that share a name only the
 * oldest is.
 */
export async function exportState(parts: ExportParts): Promise<Exported> {
  const users = await readUsers(parts.db)
  const apiKeys = withoutRepeats(await readApiKeys(parts.db), row => `${row.username}/${row.name}`)
  const channels = await exportChannels(parts)
  const content = {
    apiVersion: 'yumen/v1',
    groups: await exportGroups(parts.db),
    prices: await exportPrices(parts),
    users: users.map(exportUser),
    apiKeys: apiKeys.kept.map(exportApiKey),
    channels: channels.kept,
    options: await exportOptions(parts.db),
  }
  const leftOut = [
    ...apiKeys.repeats.map(row => `API key ${row.id} (${row.username}/${row.name})`),
    ...channels.repeats.map(row => `channel ${row.id} (${row.name})`),
  ]
  const hasSecrets = parts.openChannelKey !== undefined
  return { content, leftOut, yaml: renderExport({ content, hasSecrets, leftOut }) }
}

async function exportGroups(db: Db) {
  const rows = await db.selectFrom('groups').selectAll().orderBy('name').execute()
  // `auto` is the program's own: every installation has it.
  const own = rows.filter(({ name }) => name !== 'auto')
  return Object.fromEntries(
    own.map(({ name, ratio, description }) => [name, { ratio, ...(description !== '' && { description }) }]),
  )
}

/** Prices in force at `now`. */
async function exportPrices({ db, now }: ExportParts) {
  const rows = await db
    .selectFrom('price_versions')
    .select(['pattern', 'rates'])
    .where('valid_from', '<=', now)
    .where(where => where.or([where('valid_to', 'is', null), where('valid_to', '>', now)]))
    .orderBy('pattern')
    .execute()
  const entries = rows.map(({ pattern, rates }) => [pattern, JSON.parse(rates)])
  return Object.fromEntries(entries.filter(([, rates]) => rates !== null))
}

async function exportOptions(db: Db) {
  const rows = await db.selectFrom('options').select(['key', 'value']).orderBy('key').execute()
  return Object.fromEntries(rows.map(({ key, value }) => [key, JSON.parse(value)]))
}

type UserRow = Awaited<ReturnType<typeof readUsers>>[number]

function readUsers(db: Db) {
  return db
    .selectFrom('users')
    .innerJoin('accounts', 'accounts.id', 'users.account_id')
    .select(['users.username', 'users.role', 'users.group_name', 'accounts.kind', 'accounts.balance_nusd'])
    .orderBy('users.id')
    .execute()
}

/** The balance counts only where the user is new: there the user begins with what is left here. */
function exportUser({ username, role, group_name, kind, balance_nusd }: UserRow) {
  const balance = kind === 'tracked' ? 'unlimited' : usdOf(balance_nusd < 0n ? 0n : balance_nusd)
  return { username, role, group: group_name, balance }
}

type ApiKeyRow = Row<'api_keys'> & { readonly username: string }

/** Keys of organisations are not in the file: it names users only. */
function readApiKeys(db: Db): Promise<readonly ApiKeyRow[]> {
  return db
    .selectFrom('api_keys')
    .innerJoin('users', 'users.id', 'api_keys.user_id')
    .selectAll('api_keys')
    .select('users.username')
    .where('api_keys.organisation_id', 'is', null)
    .orderBy('api_keys.id')
    .execute()
}

function exportApiKey(row: ApiKeyRow) {
  return definedMembers({
    user: row.username,
    name: row.name,
    models: jsonOf(row.models),
    denyModels: jsonOf(row.deny_models),
    endpoints: jsonOf(row.endpoints),
    bodyLogging: row.body_logging !== 0 || undefined,
    group: row.group_name ?? undefined,
    limit: row.limit_nusd === null ? undefined : usdOf(row.limit_nusd),
    expiresAt: row.expires_at === null ? undefined : new Date(row.expires_at).toISOString(),
    allowIps: jsonOf(row.allow_ips),
    rateLimit: jsonOf(row.rate_limit),
    enabled: row.status === 'enabled',
  })
}
