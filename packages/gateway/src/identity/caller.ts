import { matchesPattern } from '@yumen/pricing'
import ipaddr from 'ipaddr.js'
import type { RateLimit } from '#config'
import type { Row } from '#store'
import type { CallerKeyRow } from './queries.ts'

/** A known API key with all that admission asks, as read from the store. */
export interface CallerKey {
  readonly id: number
  readonly name: string
  readonly accountId: number
  readonly userId: number
  readonly username: string
  readonly userGroup: string
  readonly organisation: { readonly id: string; readonly group: string } | undefined
  readonly role: Row<'users'>['role']
  readonly isUserEnabled: boolean
  readonly isEnabled: boolean
  /** The key's own group, else the user's. */
  readonly group: string
  readonly expiresAt: number | undefined
  readonly limitNusd: bigint | undefined
  /** Moves with each settlement of this node; shared by all readings of one key. */
  readonly spent: Spent
  /** `undefined`: all. */
  readonly endpoints: ReadonlySet<string> | undefined
  readonly allowIps: readonly Range[] | undefined
  readonly models: readonly string[] | undefined
  readonly denyModels: readonly string[]
  readonly rateLimit: RateLimit | undefined
}

export interface Spent {
  nusd: bigint
}

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number]

export function readCallerKey(row: CallerKeyRow): CallerKey {
  const endpoints = readList(row.endpoints)
  return {
    id: row.id,
    name: row.name,
    accountId: row.account_id,
    userId: row.user_id,
    username: row.username,
    userGroup: row.user_group,
    organisation:
      row.organisation_id === null
        ? undefined
        : { id: row.organisation_id, group: row.organisation_group ?? row.user_group },
    role: row.role,
    isUserEnabled: row.user_status === 'enabled',
    isEnabled: row.status === 'enabled',
    group: row.group_name ?? row.user_group,
    expiresAt: row.expires_at ?? undefined,
    limitNusd: row.limit_nusd ?? undefined,
    spent: { nusd: row.spent_nusd },
    endpoints: endpoints && new Set(endpoints),
    allowIps: readList(row.allow_ips)?.map(parseRange),
    models: readList(row.models),
    denyModels: readList(row.deny_models) ?? [],
    rateLimit: row.rate_limit === null ? undefined : JSON.parse(row.rate_limit),
  }
}

/** Whether the key may ask for `model`: a denied name wins over an allowed one. */
export function mayUseModel(key: CallerKey, model: string): boolean {
  if (key.denyModels.some(pattern => matchesPattern(pattern, model))) return false
  return key.models?.some(pattern => matchesPattern(pattern, model)) ?? true
}

/** Whether the key may be used from `ip`. */
export function mayComeFrom(key: CallerKey, ip: string): boolean {
  return key.allowIps === undefined || isInRanges(ip, key.allowIps)
}

/** Whether `ip` lies in one of `ranges`; an IPv4 address that is written as IPv6 counts as IPv4. */
export function isInRanges(ip: string, ranges: readonly Range[]): boolean {
  if (!ipaddr.isValid(ip)) return false
  const address = ipaddr.process(ip)
  return ranges.some(range => range[0].kind() === address.kind() && address.match(range))
}

/** `10.0.0.0/8`, or a single address. */
export function parseRange(text: string): Range {
  if (text.includes('/')) return ipaddr.parseCIDR(text)
  const address = ipaddr.parse(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

function readList(json: string | null): readonly string[] | undefined {
  return json === null ? undefined : JSON.parse(json)
}
