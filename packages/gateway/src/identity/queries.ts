import type { Row, Store } from '#store'

/** Columns that `readCallerKey` needs: the key joined with its user. */
export type CallerKeyRow = Pick<
  Row<'api_keys'>,
  | 'id'
  | 'name'
  | 'account_id'
  | 'user_id'
  | 'organisation_id'
  | 'status'
  | 'group_name'
  | 'models'
  | 'deny_models'
  | 'endpoints'
  | 'allow_ips'
  | 'expires_at'
  | 'limit_nusd'
  | 'spent_nusd'
  | 'rate_limit'
> &
  Pick<Row<'users'>, 'username' | 'role'> & {
    readonly user_status: Row<'users'>['status']
    readonly user_group: Row<'users'>['group_name']
    /** `null` for a user's own key. */
    readonly organisation_group: Row<'organisations'>['group_name'] | null
  }

/** The API key whose SHA-256 is `hash` (hex), with its user and organisation. */
export async function findKeyRow(query: Store['query'], hash: string): Promise<CallerKeyRow | undefined> {
  const [row] = await query<CallerKeyRow>(
    `SELECT k.id, k.name, k.account_id, k.user_id, k.organisation_id, k.rate_limit, k.status, k.group_name, k.models, k.deny_models, k.endpoints, k.allow_ips,
      k.expires_at, k.limit_nusd, k.spent_nusd, u.username, u.role, u.status AS user_status,
      u.group_name AS user_group, o.group_name AS organisation_group
      FROM api_keys AS k JOIN users AS u ON u.id = k.user_id
      LEFT JOIN organisations AS o ON o.id = k.organisation_id WHERE k.hash = $1`,
    [hash],
  )
  return row
}
