import type { Row, Store } from '#store'

type Query = Store['query']

export function readOptionRows(query: Query): Promise<readonly Pick<Row<'options'>, 'key' | 'value'>[]> {
  return query('SELECT key, value FROM options')
}

export function readGroupRows(query: Query): Promise<readonly Pick<Row<'groups'>, 'name' | 'ratio'>[]> {
  return query('SELECT name, ratio FROM groups')
}

export type PriceRow = Pick<Row<'price_versions'>, 'id' | 'pattern' | 'rates'>

/** Price versions in force at `now`, milliseconds UTC. */
export function readPriceRows(query: Query, now: number): Promise<readonly PriceRow[]> {
  return query(
    'SELECT id, pattern, rates FROM price_versions WHERE valid_from <= $1 AND (valid_to IS NULL OR valid_to > $1)',
    [now],
  )
}

/** Every channel by its id and the revision that last changed it. */
export function readChannelHeads(query: Query): Promise<readonly Pick<Row<'channels'>, 'id' | 'revision'>[]> {
  return query('SELECT id, revision FROM channels')
}

export type ChannelRow = Omit<Row<'channels'>, 'created_at' | 'updated_at'>

/** Channels of these ids: at most some hundreds, each is a parameter. */
export function readChannelRows(query: Query, ids: readonly number[]): Promise<readonly ChannelRow[]> {
  return query(
    `SELECT id, name, provider, base_url, key_mode, models, groups, priority, weight, model_mapping,
      status_code_mapping, param_override, header_override, settings, dialect, enabled, revision FROM channels WHERE id IN (${placesOf(ids)})`,
    ids,
  )
}

export type ChannelKeyRow = Row<'channel_keys'>

/** Keys of these channels, in the order of each channel. */
export function readChannelKeyRows(query: Query, ids: readonly number[]): Promise<readonly ChannelKeyRow[]> {
  return query(
    `SELECT channel_id, position, sealed, fingerprint FROM channel_keys WHERE channel_id IN (${placesOf(ids)})
      ORDER BY channel_id, position`,
    ids,
  )
}

const placesOf = (values: readonly unknown[]) => values.map((_, index) => `$${index + 1}`).join(', ')
