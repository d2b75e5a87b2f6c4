import { plainUsage, type Usage } from '@yumen/protocol'
import { findRequest, type RequestEntry } from '#analytics'
import type { AttemptRecord, Timings } from '#journal'
import type { Db } from '#store'
import { CliError } from './cli-error.ts'
import { printTable } from './output.ts'
import { isoTime, usd } from './values.ts'

/**
 * What the column `packed` of a request holds: facts that have no column. Usage is kept without its zeros.
 */
interface PackedRequest {
  readonly time: number
  readonly group: string
  readonly dialect: string
  readonly operation: string
  readonly isStreaming: boolean
  readonly upstreamModel?: string
  readonly channel?: string
  readonly clientIp?: string
  readonly attempts: readonly AttemptRecord[]
  readonly affinity?: boolean
  readonly passedOver?: readonly { readonly channel: string; readonly reason: string }[]
  readonly usage?: Partial<Usage>
  readonly source?: string
  readonly warnings?: readonly string[]
  readonly timings: Timings
}

export type ShownRequest = ReturnType<typeof contractOf>

interface KeyOwner {
  readonly user: string
  readonly apiKey: string
}

/** Requests as `requests --json` prints them, with the names of their keys' owners. */
export async function showRequests(
  db: Db,
  entries: readonly RequestEntry[],
): Promise<readonly ShownRequest[]> {
  const owners = await findOwners(db, [...new Set(entries.map(entry => entry.api_key_id))])
  return entries.map(entry => contractOf(entry, owners.get(entry.api_key_id)))
}

/** One request by its id. @throws CliError when it is not, or no longer, there */
export async function findRequestShown(db: Db, id: string): Promise<ShownRequest> {
  const entry = await findRequest(db, id)
  const [shown] = entry === undefined ? [] : await showRequests(db, [entry])
  if (shown !== undefined) return shown
  throw new CliError(
    `there is no request ${id}: one shows a second after its end, for analytics.requestRetentionDays`,
  )
}

export function printAttempts(attempts: ShownRequest['attempts']): void {
  printTable(
    attempts,
    [
      { title: 'ATTEMPT', value: attempt => attempt.channel },
      { title: 'KEY', value: attempt => attempt.keyFingerprint },
      { title: 'CLASS', value: attempt => attempt.class },
      { title: 'STATUS', value: attempt => attempt.status, isNumber: true },
      { title: 'MS', value: attempt => attempt.ms, isNumber: true },
      { title: 'DETAIL', value: attempt => attempt.detail ?? '' },
    ],
    'No attempt was made.',
  )
}

/**
 * Contract of `requests show --json`: `client` is the dialect that the client spoke. `null` where there is
 * nothing: no attempt was made, no usage reported, the key is removed.
 */
function contractOf(entry: RequestEntry, owner: KeyOwner | undefined) {
  const packed: PackedRequest = JSON.parse(entry.packed)
  return {
    requestId: entry.id,
    time: isoTime(packed.time),
    user: owner?.user ?? null,
    apiKey: owner?.apiKey ?? null,
    group: packed.group,
    client: packed.dialect,
    operation: packed.operation,
    isStreaming: packed.isStreaming,
    model: entry.model,
    upstreamModel: packed.upstreamModel ?? null,
    channel: packed.channel ?? null,
    class: entry.class,
    status: entry.status,
    attempts: packed.attempts.map(({ channelId: _, ...attempt }) => attempt),
    affinity: packed.affinity ?? false,
    passedOver: packed.passedOver ?? [],
    usage: packed.usage === undefined ? null : fullUsage(packed.usage),
    source: packed.source ?? null,
    charge: entry.amount_nusd === null ? null : usd(entry.amount_nusd),
    priceVersion: entry.price_version,
    groupRatio: entry.ratio,
    warnings: packed.warnings ?? [],
    timings: packed.timings,
  }
}

/** Puts the zeros back that the store leaves out. */
function fullUsage(packed: Partial<Usage>): Usage {
  const empty = plainUsage(0, 0)
  return {
    ...empty,
    ...packed,
    cacheWrite: { ...empty.cacheWrite, ...packed.cacheWrite },
    server: { ...empty.server, ...packed.server },
  }
}

async function findOwners(db: Db, keyIds: readonly number[]): Promise<ReadonlyMap<number, KeyOwner>> {
  const owners = new Map<number, KeyOwner>()
  for (let from = 0; from < keyIds.length; from += idsPerRead) {
    const rows = await db
      .selectFrom('api_keys')
      .innerJoin('users', 'users.id', 'api_keys.user_id')
      .select(['api_keys.id', 'api_keys.name', 'users.username'])
      .where('api_keys.id', 'in', keyIds.slice(from, from + idsPerRead))
      .execute()
    for (const { id, name, username } of rows) owners.set(id, { user: username, apiKey: name })
  }
  return owners
}

const idsPerRead = 200
