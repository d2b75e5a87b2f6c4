import type { DesiredChannel } from '../../../config/desired-state.ts'
import type { Row } from '../../schema.ts'
import type { SqlValue } from '../../transaction.ts'
import type { Apply } from './context.ts'
import { groupCheck } from './groups.ts'
import {
  differences,
  hiddenValue,
  insertColumns,
  isEmpty,
  type Member,
  membersOf,
  parseJson,
  updateColumns,
} from './members.ts'

const { plain, json, flag, hidden } = membersOf<'channels'>()

export async function applyChannels(apply: Apply): Promise<void> {
  const checkGroup = await groupCheck(apply)
  for (const [index, channel] of apply.desired.channels.entries()) {
    for (const [place, group] of (channel.groups ?? []).entries()) {
      checkGroup(group, `channels[${index}].groups[${place}]`)
    }
    const row = await findChannel(apply, channel.name)
    if (row === undefined) await create(apply, channel)
    else await update(apply, channel, row)
  }
}

async function create(apply: Apply, channel: DesiredChannel): Promise<void> {
  const { tx, now } = apply
  const { columns, fields } = differences(undefined, membersOfChannel(channel))
  const fallbacks: Record<string, SqlValue> = {
    name: channel.name,
    key_mode: 'random',
    models: '[]',
    groups: '["default"]',
    priority: 0,
    weight: 1,
    settings: '{}',
    enabled: 1,
    created_at: now,
    updated_at: now,
    revision: await apply.revision('configuration'),
  }
  const id = await insertColumns(tx, 'channels', { ...fallbacks, ...columns })
  await insertKeys(apply, id, channel.keys ?? [])
  await apply.remember('channel', channel.name)
  const shown =
    channel.keys === undefined ? {} : { keys: [undefined, channel.keys.map(() => hiddenValue)] as const }
  const change = { ...fields, ...shown }
  apply.changes.push({ action: 'create', kind: 'channel', name: channel.name, fields: change })
}

async function update(apply: Apply, channel: DesiredChannel, row: Row<'channels'>): Promise<void> {
  const { tx, now } = apply
  const difference = differences(row, membersOfChannel(withStoredSeals(channel, row)))
  const keys = await keysChange(apply, channel, row)
  if (isEmpty(difference) && keys === undefined) return
  const columns = { ...difference.columns, updated_at: now, revision: await apply.revision('configuration') }
  await updateColumns(tx, { table: 'channels', key: ['id', row.id] }, columns)
  if (keys !== undefined) {
    await tx.change('DELETE FROM channel_keys WHERE channel_id = $1', [row.id])
    await insertKeys(apply, row.id, channel.keys ?? [])
  }
  const fields = { ...difference.fields, ...(keys === undefined ? {} : { keys }) }
  apply.changes.push({ action: 'update', kind: 'channel', name: channel.name, fields })
}

function membersOfChannel(channel: DesiredChannel): Member[] {
  return [
    plain(['provider', 'provider'], channel.provider),
    plain(['baseUrl', 'base_url'], channel.baseUrl),
    plain(['keyMode', 'key_mode'], channel.keyMode),
    json(['models', 'models'], channel.models),
    json(['groups', 'groups'], channel.groups),
    plain(['priority', 'priority'], channel.priority),
    plain(['weight', 'weight'], channel.weight),
    json(['modelMapping', 'model_mapping'], channel.modelMapping),
    json(['statusCodeMapping', 'status_code_mapping'], channel.statusCodeMapping),
    json(['paramOverride', 'param_override'], channel.paramOverride),
    hidden(['headerOverride', 'header_override'], channel.headerOverride),
    { ...json(['settings', 'settings'], channel.settings), show: showSettings },
    plain(['dialect', 'dialect'], channel.dialect),
    flag(['enabled', 'enabled'], channel.enabled),
  ]
}

/** A secret that is the same as the stored one keeps its seal: sealed anew it would look like a change. */
function withStoredSeals(channel: DesiredChannel, row: Row<'channels'>): DesiredChannel {
  const { headerOverride, settings } = channel
  return {
    ...channel,
    headerOverride: headerOverride && keepSeals(headerOverride, parseJson(row.header_override)),
    settings: settings && keepSeals(settings, parseJson(row.settings)),
  }
}

function keepSeals<Value>(
  wanted: Readonly<Record<string, Value>>,
  stored: unknown,
): Readonly<Record<string, Value>> {
  const before = new Map(Object.entries(Object(stored)))
  return Object.fromEntries(
    Object.entries(wanted).map(([name, value]) => {
      const print = fingerprintOf(value)
      const kept = before.get(name)
      return [name, print !== undefined && fingerprintOf(kept) === print ? (kept as Value) : value] // decoding: the same member
    }),
  )
}

function fingerprintOf(value: unknown): string | undefined {
  const isSealed = typeof value === 'object' && value !== null && 'sealed' in value && 'fingerprint' in value
  return isSealed ? String(value.fingerprint) : undefined
}

/** A proxy's address may hold a password. */
function showSettings(stored: SqlValue): unknown {
  const settings = parseJson(stored)
  if (typeof settings !== 'object' || settings === null || !('proxy' in settings)) return settings
  return { ...settings, proxy: hiddenValue }
}

/** The lowest id of that name: an import may bring twins. */
export function findChannel({ db }: Apply, name: string): Promise<Row<'channels'> | undefined> {
  return db
    .selectFrom('channels')
    .selectAll()
    .where('name', '=', name)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
}

/** Sealing the same secret gives another text each time: fingerprints are compared, in their order. */
async function keysChange(
  { db }: Apply,
  channel: DesiredChannel,
  row: Row<'channels'>,
): Promise<readonly [unknown, unknown] | undefined> {
  if (channel.keys === undefined) return undefined
  const stored = await db
    .selectFrom('channel_keys')
    .select('fingerprint')
    .where('channel_id', '=', row.id)
    .orderBy('position')
    .execute()
  const before = stored.map(key => key.fingerprint)
  const after = channel.keys.map(key => key.fingerprint)
  if (before.length === after.length && before.every((print, index) => print === after[index]))
    return undefined
  return [before.map(() => hiddenValue), after.map(() => hiddenValue)]
}

async function insertKeys(
  { db }: Apply,
  channelId: number,
  keys: NonNullable<DesiredChannel['keys']>,
): Promise<void> {
  for (const [position, { sealed, fingerprint }] of keys.entries()) {
    await db
      .insertInto('channel_keys')
      .values({ channel_id: channelId, position, sealed, fingerprint })
      .execute()
  }
}
