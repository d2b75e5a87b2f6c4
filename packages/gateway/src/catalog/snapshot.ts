import { compilePatterns, type Price, parsePrice, parseRatio, type Rational } from '@yumen/pricing'
import { type Options, optionRegistry, resolveOptions } from '#config'
import type { Store } from '#store'
import { type Channel, ChannelError, readChannel } from './channel.ts'
import {
  type PriceRow,
  readChannelHeads,
  readChannelKeyRows,
  readChannelRows,
  readGroupRows,
  readOptionRows,
  readPriceRows,
} from './queries.ts'
import type { Sealer } from './sealing.ts'

export interface PriceVersion {
  readonly id: number
  readonly price: Price
}

export interface Group {
  readonly name: string
  readonly ratio: Rational
  /** As it is written: what the record keeps. */
  readonly ratioText: string
}

/** The immutable view of all configuration that the hot path reads. A change of the store makes a new one. */
export interface Snapshot {
  readonly revision: number
  readonly options: Options
  readonly channels: ReadonlyMap<number, Channel>
  readonly groups: ReadonlyMap<string, Group>
  /** The price in force for a model's name: an exact name before any pattern, then the longest pattern. */
  findPrice(model: string): PriceVersion | undefined
  /** Channels of `group` that list `model`, enabled or not, best priority first. */
  channelsOf(group: string, model: string): readonly Channel[]
  /** Models that enabled channels of `group` serve, sorted. */
  modelsOf(group: string): readonly string[]
}

export interface SnapshotParts {
  readonly store: Pick<Store, 'query' | 'run'>
  readonly sealer: Sealer
  readonly optionDefaults: Parameters<typeof resolveOptions>[1]
  readonly now: number
  /** A channel that had to be left out or whose keys do not open, or an option that this program does not know. */
  readonly onBroken: (error: Error) => void
}

/** Reads what changed since `previous` and shares the rest with it. */
export async function loadSnapshot(parts: SnapshotParts, previous?: Snapshot): Promise<Snapshot> {
  const { now } = parts
  const { query } = parts.store
  const { configuration: revision } = await parts.store.run('readRevisions', {})
  const options = resolveOptions(await readKnownOptions(parts), parts.optionDefaults)
  const isSame = previous !== undefined && JSON.stringify(previous.options) === JSON.stringify(options)
  const channels = await loadChannels(parts, options, isSame ? previous : undefined)
  const groupRows = await readGroupRows(query)
  const priceRows = await readPriceRows(query, now)
  return buildSnapshot({ revision, options, channels, groupRows, priceRows })
}

/** An option that this program does not know is a newer node's: in a rolling update both run on one store. */
async function readKnownOptions({ store, onBroken }: SnapshotParts) {
  const rows = await readOptionRows(store.query)
  const unknown = rows.filter(row => !Object.hasOwn(optionRegistry, row.key))
  for (const { key } of unknown) onBroken(new Error(`the option ${key} is unknown here and has no effect`))
  return rows.filter(row => !unknown.includes(row))
}

async function loadChannels(
  parts: SnapshotParts,
  options: Options,
  previous: Snapshot | undefined,
): Promise<ReadonlyMap<number, Channel>> {
  const heads = await readChannelHeads(parts.store.query)
  const changed = heads
    .filter(head => previous?.channels.get(head.id)?.revision !== head.revision)
    .map(head => head.id)
  const channels = new Map<number, Channel>()
  for (const { id } of heads) {
    const known = previous?.channels.get(id)
    if (known !== undefined) channels.set(id, known)
  }
  for (let from = 0; from < changed.length; from += channelsPerRead) {
    for (const channel of await readChannels(parts, options, changed.slice(from, from + channelsPerRead))) {
      channels.set(channel.id, channel)
    }
  }
  return channels
}

/** Rows of one query: far below the number of parameters that any of the databases takes. */
const channelsPerRead = 200

async function readChannels(
  parts: SnapshotParts,
  options: Options,
  ids: readonly number[],
): Promise<Channel[]> {
  const { query } = parts.store
  const rows = await readChannelRows(query, ids)
  const keysOf = Map.groupBy(await readChannelKeyRows(query, ids), key => key.channel_id)
  return rows.flatMap(row => {
    try {
      return [readChannel(row, keysOf.get(row.id) ?? [], { ...parts, options })]
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error
      parts.onBroken(error)
      return []
    }
  })
}

interface SnapshotRows {
  readonly revision: number
  readonly options: Options
  readonly channels: ReadonlyMap<number, Channel>
  readonly groupRows: Awaited<ReturnType<typeof readGroupRows>>
  readonly priceRows: readonly PriceRow[]
}

function buildSnapshot({ revision, options, channels, groupRows, priceRows }: SnapshotRows): Snapshot {
  const groups = new Map(
    groupRows.map(row => [row.name, { name: row.name, ratio: parseRatio(row.ratio), ratioText: row.ratio }]),
  )
  const findPrice = compilePatterns(
    priceRows.map(row => [row.pattern, { id: row.id, price: parsePrice(JSON.parse(row.rates)) }]),
  )
  const serving = new Map<string, readonly Channel[]>()
  const listed = new Map<string, readonly string[]>()
  return {
    revision,
    options,
    channels,
    groups,
    findPrice,
    channelsOf(group, model) {
      const key = `${group}\n${model}`
      const known = serving.get(key)
      if (known !== undefined) return known
      const found = [...channels.values()]
        .filter(channel => channel.groups.has(group) && channel.models.has(model))
        .sort((one, other) => other.priority - one.priority || one.id - other.id)
      // Names that nobody serves are not kept: clients choose them, and there is no end of them.
      if (found.length > 0) serving.set(key, found)
      return found
    },
    modelsOf(group) {
      const known = listed.get(group)
      if (known !== undefined) return known
      const models = new Set<string>()
      for (const channel of channels.values()) {
        if (channel.isEnabled && channel.groups.has(group))
          for (const model of channel.models) models.add(model)
      }
      const sorted = [...models].sort()
      listed.set(group, sorted)
      return sorted
    },
  }
}
