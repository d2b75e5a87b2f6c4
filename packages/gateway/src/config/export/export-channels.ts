import type { Db, Row } from '#store'
import { hasUserinfo, isCredentialHeader, isSealedText } from '../credentials.ts'
import { definedMembers } from '../members.ts'
import { jsonOf, withoutRepeats } from './export-parts.ts'

interface Parts {
  readonly db: Db
  readonly openChannelKey: ((sealed: string) => string) | undefined
}

type ChannelRow = Row<'channels'>

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
  const variablesOf = createVariableNamer()
  const exportOf = (row: ChannelRow) => {
    const variableOf = variablesOf(row)
    const keys = (keysOf.get(row.id) ?? []).map(({ sealed }) =>
      openChannelKey ? openChannelKey(sealed) : { env: variableOf('KEY') },
    )
    const content = exportChannel(row, keys)
    return openChannelKey ? withOpened(content, openChannelKey) : withoutCredentials(content, variableOf)
  }
  return { kept: kept.map(exportOf), repeats }
}

function exportChannel(row: ChannelRow, keys: readonly unknown[]) {
  return definedMembers<unknown>({
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

type Content = ReturnType<typeof exportChannel>
type VariableOf = (use: string) => string

/** The proxy's password and the headers that are credentials, as references to the environment. */
function withoutCredentials(content: Content, variableOf: VariableOf): Content {
  return definedMembers({
    ...content,
    headerOverride: mapMembers(content['headerOverride'], (name, value) =>
      isSealedText(value) || (isCredentialHeader(name) && value !== '')
        ? { env: variableOf(`HEADER_${wordOf(name)}`) }
        : value,
    ),
    settings: mapMembers(content['settings'], (name, value) =>
      name === 'proxy' && (isSealedText(value) || (typeof value === 'string' && hasUserinfo(value)))
        ? { env: variableOf('PROXY') }
        : value,
    ),
  })
}

/** What is sealed, in clear. */
function withOpened(content: Content, open: (sealed: string) => string): Content {
  const opened = (_: string, value: unknown) => (isSealedText(value) ? open(value.sealed) : value)
  return definedMembers({
    ...content,
    headerOverride: mapMembers(content['headerOverride'], opened),
    settings: mapMembers(content['settings'], opened),
  })
}

function mapMembers(members: unknown, change: (name: string, value: unknown) => unknown): unknown {
  if (typeof members !== 'object' || members === null) return members
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, change(name, value)]))
}

/**
 * `YUMEN_CHANNEL_<NAME>_KEY`, `…_KEY_2`: channels whose names differ in signs only get their ids too, and no two
 * credentials have one variable.
 */
function createVariableNamer() {
  const words = new Set<string>()
  const taken = new Set<string>()
  return ({ id, name }: { readonly id: number; readonly name: string }): VariableOf => {
    const word = wordOf(name)
    const unique = word === '' || words.has(word) ? `${word}_${id}`.replace(/^_/, '') : word
    words.add(unique)
    return use => {
      const base = `YUMEN_CHANNEL_${unique}_${use}`
      let variable = base
      for (let count = 2; taken.has(variable); count++) variable = `${base}_${count}`
      taken.add(variable)
      return variable
    }
  }
}

function wordOf(name: string): string {
  return name
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
}
