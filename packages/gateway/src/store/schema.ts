import type { Generated, Insertable, Selectable } from 'kysely'

/**
 * The one schema. Names are plural snake_case; times are integer milliseconds UTC; money columns (`*_nusd`)
 * are `bigint` on every driver, all other integers are `number`. JSON columns are TEXT holding JSON, parsed
 * by their readers.
 */
export interface Tables {
  users: UsersTable
  organisations: OrganisationsTable
  memberships: MembershipsTable
  accounts: AccountsTable
  api_keys: ApiKeysTable
  channels: ChannelsTable
  channel_keys: ChannelKeysTable
  groups: GroupsTable
  price_versions: PriceVersionsTable
  options: OptionsTable
  revisions: RevisionsTable
  applied_objects: AppliedObjectsTable
  installation: InstallationTable
  nodes: NodesTable
  leaders: LeadersTable
  channel_health: ChannelHealthTable
  charges: ChargesTable
  requests: RequestsTable
  usage_hourly: UsageHourlyTable
}

/** Who holds a balance. `prepaid` is refused below zero (from the bill on), `tracked` only counts. */
interface AccountsTable {
  id: Generated<number>
  owner_kind: 'user' | 'organisation'
  kind: 'prepaid' | 'tracked'
  balance_nusd: bigint
  available_nusd: bigint
  /** Sum of all charges, kept by the batch that writes them. */
  spent_nusd: bigint
  created_at: number
}

interface UsersTable {
  id: Generated<number>
  username: string
  display_name: string
  role: 'user' | 'admin' | 'root'
  status: 'enabled' | 'disabled'
  password_hash: string | null
  group_name: string
  account_id: number
  created_at: number
  updated_at: number
  revision: number
}

interface OrganisationsTable {
  id: string
  slug: string
  name: string
  status: 'active' | 'suspended' | 'closing'
  group_name: string
  account_id: number
  created_at: number
  updated_at: number
  revision: number
}

interface MembershipsTable {
  organisation_id: string
  user_id: number
  role: 'owner' | 'manager' | 'member'
  status: 'active' | 'suspended'
  joined_at: number
}

interface ApiKeysTable {
  id: Generated<number>
  /** Whose balance pays: the user's own account, or an organisation's. */
  account_id: number
  user_id: number
  organisation_id: string | null
  name: string
  /** SHA-256 of the whole key, hex. The key itself is shown once and never stored. */
  hash: string
  /** `sk-…4f2a` */
  hint: string
  status: 'enabled' | 'disabled'
  /** `null`: the user's group. */
  group_name: string | null
  /** JSON array of patterns; `null`: all. */
  models: string | null
  deny_models: string | null
  /** JSON array of endpoint names; `null`: all. */
  endpoints: string | null
  /** JSON array of CIDRs; `null`: from anywhere. */
  allow_ips: string | null
  expires_at: number | null
  limit_nusd: bigint | null
  spent_nusd: bigint
  /** JSON `{ requestsPerMinute?, tokensPerMinute?, concurrency? }`. */
  rate_limit: string | null
  body_logging: number
  created_at: number
  updated_at: number
  revision: number
}

interface ChannelsTable {
  id: Generated<number>
  name: string
  provider: string
  base_url: string | null
  key_mode: 'random' | 'polling'
  models: string
  groups: string
  priority: number
  weight: number
  model_mapping: string | null
  status_code_mapping: string | null
  param_override: string | null
  header_override: string | null
  settings: string
  dialect: string | null
  enabled: number
  created_at: number
  updated_at: number
  revision: number
}

interface ChannelKeysTable {
  channel_id: number
  position: number
  /** AES-256-GCM: `v1.<nonce>.<ciphertext+tag>`, base64url. */
  sealed: string
  /** Keyed hash of the secret: equal secrets have equal fingerprints, nothing else can be told from it. */
  fingerprint: string
}

interface GroupsTable {
  name: string
  ratio: string
  description: string
}

/** Immutable; a change closes the row that is in force and opens a new one. */
interface PriceVersionsTable {
  id: Generated<number>
  pattern: string
  /** JSON of the rates as the declarative file writes them; `null` closes the pattern. */
  rates: string
  body_hash: string
  valid_from: number
  valid_to: number | null
  source: string
}

interface OptionsTable {
  key: string
  value: string
  updated_at: number
}

/**
 * One counter per scope; a change of anything in the scope raises it, in the same transaction. Gateways poll
 * them.
 */
interface RevisionsTable {
  scope: 'configuration' | 'keys' | 'health'
  revision: number
}

/** What an `apply` of a file created, so that `--prune` removes that and nothing else. */
interface AppliedObjectsTable {
  source: string
  kind: string
  name: string
}

/** One row: who this installation is. */
interface InstallationTable {
  id: string
  epoch: number
  created_at: number
}

interface NodesTable {
  id: string
  epoch: number
  state: 'live' | 'stopped'
  started_at: number
  heartbeat_until: number
  /** Last committed sequence number of the node's journal. */
  mark: number
}

/** Who does the jobs that one node does for all. */
interface LeadersTable {
  name: string
  node_id: string
  held_until: number
}

/** What each node has learned of channels, for the others. '' stands for every key, every model. */
interface ChannelHealthTable {
  channel_id: number
  key_fingerprint: string
  model: string
  node_id: string
  reason: string
  /** 1: the upstream named the time. */
  is_named: number
  rests_until: number
  /** Of the channel when this was learned. */
  channel_revision: number
}

/** Append-only, narrow, kept for years. One row a request and funding bucket. */
interface ChargesTable {
  id: string
  part: number
  account_id: number
  api_key_id: number
  node_id: string
  seq: number
  time: number
  price_version: number | null
  ratio: string
  /** JSON: model, counts with their source, what the price asked for. */
  packed: string
  amount_nusd: bigint
}

/** One row a request, clustered by its time-ordered id (ULID). */
interface RequestsTable {
  id: string
  account_id: number
  api_key_id: number
  model: string
  channel_id: number | null
  /** `ok`, or the error class that the client was told, or `client_gone`. */
  class: string
  status: number
  /** JSON: dialect, operation, upstream model, attempts, usage, source, timings, warnings. */
  packed: string
}

interface UsageHourlyTable {
  /** Start of the hour, milliseconds. */
  hour: number
  account_id: number
  api_key_id: number
  channel_id: number
  model: string
  requests: number
  failures: number
  input_tokens: number
  output_tokens: number
  cached_tokens: number
  amount_nusd: bigint
}

export type Row<Name extends keyof Tables> = Selectable<Tables[Name]>
export type NewRow<Name extends keyof Tables> = Insertable<Tables[Name]>
