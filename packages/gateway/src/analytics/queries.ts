import type { SelectQueryBuilder } from 'kysely'
import { decodeTime, encodeTime } from 'ulid'
import type { Db, Row, Tables } from '#store'

export interface RequestFilter {
  readonly accountId?: number | undefined
  readonly apiKeyId?: number | undefined
  readonly model?: string | undefined
  readonly channelId?: number | undefined
  readonly class?: string | undefined
  /** Milliseconds UTC of arrival: from `since` on, before `until`. */
  readonly since?: number | undefined
  readonly until?: number | undefined
}

export interface RequestQuery extends RequestFilter {
  /** The `next` of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

/** One request with its charge. `packed` is JSON: the facts that have no column here. */
export interface RequestEntry extends Row<'requests'> {
  /** `null`: there is no charge, not even one of 0. */
  readonly amount_nusd: bigint | null
  readonly price_version: number | null
  readonly ratio: string | null
}

export interface RequestPage {
  /** Newest first. May be empty with a `next`: the scan goes on from there. */
  readonly items: readonly RequestEntry[]
  readonly next: string | undefined
  /**
   * How far back the pages looked so far, milliseconds UTC; `undefined` when all that the filter allows was
   * seen.
   */
  readonly scannedTo: number | undefined
}

/** How much one call looks at. It does so in slices, so that no statement is long. */
interface ScanLimits {
  readonly scanMs: number
  readonly sliceRows: number
  /** Monotonic milliseconds. */
  readonly clock: () => number
}

const scanDefaults: ScanLimits = { scanMs: 200, sliceRows: 2_000, clock: () => performance.now() }

export async function findRequest(db: Db, id: string): Promise<RequestEntry | undefined> {
  const [entry] = await withCharges(db, db.selectFrom('requests').selectAll().where('id', '=', id))
  return entry
}

/**
 * A page of requests, newest first, by keyset. Account and time are indexed; any other filter skips the hours
 * that the rollups show empty and scans the rest, until the page is full or the time is over.
 */
export async function listRequests(db: Db, query: RequestQuery, limits = scanDefaults): Promise<RequestPage> {
  const { limit, ...filter } = query
  const bounds = { from: firstIdAt(filter.since ?? 0), below: upperBound(query) }
  if (isIndexed(filter)) {
    const rows = inRange(db.selectFrom('requests').selectAll(), filter, bounds).limit(limit + 1)
    return page(await withCharges(db, rows), limit)
  }
  return scan(db, { filter, limit, limits, ranges: rangesOf(await hoursWith(db, filter, bounds), bounds) })
}

/** Sums by hour, oldest first, of what the filter allows. `until` and `since` are taken by the whole hour. */
export async function usageByHour(db: Db, filter: RequestFilter): Promise<UsageHour[]> {
  const rows = await rollups(db, filter)
    .select(eb => [
      'hour',
      eb.fn.sum<number>('requests').as('requests'),
      eb.fn.sum<number>('failures').as('failures'),
      eb.fn.sum<number>('input_tokens').as('input_tokens'),
      eb.fn.sum<number>('output_tokens').as('output_tokens'),
      eb.fn.sum<number>('cached_tokens').as('cached_tokens'),
      eb.fn.sum<bigint>('amount_nusd').as('amount_nusd'),
    ])
    .groupBy('hour')
    .orderBy('hour')
    .execute()
  return rows
}

export type UsageHour = Omit<Row<'usage_hourly'>, 'account_id' | 'api_key_id' | 'channel_id' | 'model'>

/** The smallest id of a request that arrives in this millisecond: a bound for `id >=` and `id <`. */
export function firstIdAt(time: number): string {
  return `${encodeTime(Math.max(0, Math.min(time, ulidTimeMax)), 10)}${'0'.repeat(16)}`
}

const ulidTimeMax = 2 ** 48 - 1
/** Above every ULID. */
const endOfIds = '~'

interface IdRange {
  readonly from: string
  readonly below: string
}

function upperBound({ after, until }: RequestQuery): string {
  const end = until === undefined ? endOfIds : firstIdAt(until)
  return after !== undefined && after < end ? after : end
}

function isIndexed({ apiKeyId, model, channelId, class: outcome }: RequestFilter): boolean {
  return apiKeyId === undefined && model === undefined && channelId === undefined && outcome === undefined
}

interface Scan {
  readonly filter: RequestFilter
  readonly limit: number
  readonly limits: ScanLimits
  readonly ranges: readonly IdRange[]
}

async function scan(db: Db, { filter, limit, limits, ranges }: Scan): Promise<RequestPage> {
  const until = limits.clock() + limits.scanMs
  const items: RequestEntry[] = []
  for (const range of ranges) {
    let below = range.below
    while (below > range.from) {
      const from = await sliceStart(db, filter, { range: { ...range, below }, rows: limits.sliceRows })
      const found = matching(inRange(db.selectFrom('requests').selectAll(), filter, { from, below }), filter)
      items.push(...(await withCharges(db, found.limit(limit + 1 - items.length))))
      if (items.length > limit) return page(items, limit)
      below = from
      if (limits.clock() >= until) return { items, next: below, scannedTo: decodeTime(below) }
    }
  }
  return { items, next: undefined, scannedTo: undefined }
}

/** Where a slice of so many rows begins, counted back from the range's end. */
async function sliceStart(
  db: Db,
  filter: RequestFilter,
  { range, rows }: { readonly range: IdRange; readonly rows: number },
): Promise<string> {
  const ids = inRange(db.selectFrom('requests').select('id'), filter, range)
  const row = await ids
    .offset(rows - 1)
    .limit(1)
    .executeTakeFirst()
  return row?.id ?? range.from
}

function page(rows: readonly RequestEntry[], limit: number): RequestPage {
  const items = rows.slice(0, limit)
  const next = rows.length > limit ? items.at(-1)?.id : undefined
  return { items, next, scannedTo: next === undefined ? undefined : decodeTime(next) }
}

type RequestRows<Out> = SelectQueryBuilder<Tables, 'requests', Out>

function inRange<Out>(
  rows: RequestRows<Out>,
  { accountId }: RequestFilter,
  { from, below }: IdRange,
): RequestRows<Out> {
  const ordered = rows.where('id', '>=', from).where('id', '<', below).orderBy('id', 'desc')
  return accountId === undefined ? ordered : ordered.where('account_id', '=', accountId)
}

function matching<Out>(rows: RequestRows<Out>, filter: RequestFilter): RequestRows<Out> {
  const { apiKeyId, model, channelId, class: outcome } = filter
  let query = rows
  if (apiKeyId !== undefined) query = query.where('api_key_id', '=', apiKeyId)
  if (model !== undefined) query = query.where('model', '=', model)
  if (channelId !== undefined) query = query.where('channel_id', '=', channelId)
  if (outcome !== undefined) query = query.where('class', '=', outcome)
  return query
}

function withCharges(db: Db, rows: RequestRows<Row<'requests'>>): Promise<RequestEntry[]> {
  return db
    .selectFrom(rows.as('found'))
    .leftJoin('charges', join => join.onRef('charges.id', '=', 'found.id').on('charges.part', '=', 0))
    .selectAll('found')
    .select(['charges.amount_nusd', 'charges.price_version', 'charges.ratio'])
    .orderBy('found.id', 'desc')
    .execute()
}

const hourMs = 3_600_000
/**
 * A request's id and its time of arrival are taken one after the other: the hour of one may be the next of
 * the other's.
 */
const marginMs = 60_000

function rollups(db: Db, filter: RequestFilter) {
  const { accountId, apiKeyId, model, channelId, since, until } = filter
  let rows = db.selectFrom('usage_hourly')
  if (since !== undefined) rows = rows.where('hour', '>=', since - (since % hourMs))
  if (until !== undefined) rows = rows.where('hour', '<', until)
  if (accountId !== undefined) rows = rows.where('account_id', '=', accountId)
  if (apiKeyId !== undefined) rows = rows.where('api_key_id', '=', apiKeyId)
  if (model !== undefined) rows = rows.where('model', '=', model)
  if (channelId !== undefined) rows = rows.where('channel_id', '=', channelId)
  return rows
}

/** Hours that hold something for the filter, newest first. */
async function hoursWith(db: Db, filter: RequestFilter, { from, below }: IdRange): Promise<number[]> {
  const since = decodeTime(from) - marginMs
  const until = below === endOfIds ? undefined : decodeTime(below) + marginMs
  let rows = rollups(db, { ...filter, since: Math.max(0, since), until })
  if (isCalm(filter.class)) rows = rows.whereRef('requests', '>', 'failures')
  else if (filter.class !== undefined) rows = rows.where('failures', '>', 0)
  const hours = await rows.select('hour').distinct().orderBy('hour', 'desc').execute()
  return hours.map(row => row.hour)
}

/** Classes that a rollup does not count as failures. */
const isCalm = (outcome: string | undefined) => outcome === 'ok' || outcome === 'client_gone'

/** Hours as ranges of ids, newest first; neighbours become one. */
function rangesOf(hours: readonly number[], bounds: IdRange): IdRange[] {
  const ranges: IdRange[] = []
  for (const hour of hours) {
    const from = latest(bounds.from, firstIdAt(hour - marginMs))
    const below = earliest(bounds.below, firstIdAt(hour + hourMs + marginMs))
    const newer = ranges.at(-1)
    if (newer !== undefined && below >= newer.from) ranges[ranges.length - 1] = { from, below: newer.below }
    else ranges.push({ from, below })
  }
  return ranges
}

const latest = (left: string, right: string) => (left > right ? left : right)
const earliest = (left: string, right: string) => (left < right ? left : right)
