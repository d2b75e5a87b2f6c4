import type { Db, Row } from '#store'
import { jsonOf, withoutRepeats } from './export-parts.ts'
import { definedMembers } from './members.ts'

interface Parts {
  readonly db: Db
  readonly openChannelKey: ((sealed: string) => string) | undefined
}

type KeyRow = Row<'channel_keys'>

/** Channels in the order of their ids, as the file writes them. */
export async function exportChannels({ db, openChannelKey }: Parts) {
  const rows = await db.selectFrom('channels').selectAll().orderBy('id').execute()
  const keyRows = await db
    .selectFrom('channel_keys')
    .selectAll()
    .orderBy('channel_id')
    .orderBy('position')
    .execute()
  const keysOf = Map.groupBy(keyRows, row => row.channel_id)
  const { kept, repeats } = withoutRepeats(rows, row => row.name)
  const namer = createVariableNamer()
  return {
    kept: kept.map(row => {
      const keys = keysOf.get(row.id) ?? []
      const references = namer(row, keys.length)
      return exportChannel(
        row,
        keys.map(({ sealed }: KeyRow, index) =>
          openChannelKey ? openChannelKey(sealed) : { env: references[index] },
        ),
      )
    }),
    repeats,
  }
}

function exportChannel(row: Row<'channels'>, keys: readonly unknown[]) {
  return definedMembers({
    name: row.name,
    provider: row.provider,
    baseUrl: row.base_url ?? undefined,
    keys: keys.length > 0 ? keys : undefined,
    keyMode: row.key_mode === 'random' ? undefined : row.key_mode,
    models: jsonOf(row.models),
    groups: jsonOf(row.groups),
    priority: row.priority,
    weight: row.weight,
    modelMapping: jsonOf(row.model_mapping),
    statusCodeMapping: jsonOf(row.status_code_mapping),
    paramOverride: jsonOf(row.param_override),
    headerOverride: jsonOf(row.header_override),
    settings: row.settings === '{}' ? undefined : jsonOf(row.settings),
    dialect: row.dialect ?? undefined,
    enabled: row.enabled !== 0,
  })
}

/** `YUMEN_CHANNEL_<NAME>_KEY`, `…_KEY_2`: names that differ in signs only get their channel's id too. */
function createVariableNamer() {
  const taken = new Set<string>()
  return ({ id, name }: { readonly id: number; readonly name: string }, count: number): readonly string[] => {
    const word = name
      .toUpperCase()
      .replace(/[^A-Z0-9]+/g, '_')
      .replace(/^_+|_+$/g, '')
    const unique = word === '' || taken.has(word) ? `${word}_${id}`.replace(/^_/, '') : word
    taken.add(unique)
    return Array.from(
      { length: count },
      (_, index) => `YUMEN_CHANNEL_${unique}_KEY${index === 0 ? '' : `_${index + 1}`}`,
    )
  }
}
