import type { StateChange } from '../../../config/desired-state.ts'
import type { Tables } from '../../schema.ts'
import type { SqlValue, Transaction } from '../../transaction.ts'

/** One member of an object of the file, beside the column that holds it. */
export interface Member {
  readonly name: string
  readonly column: string
  /** As the column stores it; `undefined`: the file does not name it. */
  readonly wanted: SqlValue | undefined
  /** The column's value as the file writes it; for a secret `…`. */
  readonly show: (stored: SqlValue) => unknown
}

type ColumnOf<Name extends keyof Tables> = keyof Tables[Name] & string

/** Builds the members of one table: a column that does not exist does not compile. */
export function membersOf<Name extends keyof Tables>() {
  type Place = readonly [name: string, column: ColumnOf<Name>]
  return {
    plain: ([name, column]: Place, value: string | number | bigint | undefined): Member => ({
      name,
      column,
      wanted: value,
      show: stored => stored ?? undefined,
    }),
    flag: ([name, column]: Place, value: boolean | undefined): Member => ({
      name,
      column,
      wanted: value === undefined ? undefined : Number(value),
      show: stored => Number(stored) === 1,
    }),
    json: ([name, column]: Place, value: unknown): Member => ({
      name,
      column,
      wanted: value === undefined ? undefined : canonicalJson(value),
      show: parseJson,
    }),
    /** JSON whose values may be secrets: only the names are shown. */
    hidden: ([name, column]: Place, value: Readonly<Record<string, unknown>> | undefined): Member => ({
      name,
      column,
      wanted: value === undefined ? undefined : canonicalJson(value),
      show: stored => hide(parseJson(stored)),
    }),
  }
}

export const hiddenValue = '…'

export interface Difference {
  readonly columns: Readonly<Record<string, SqlValue>>
  readonly fields: StateChange['fields']
}

/** What the file names and the row holds otherwise; of no row: all that the file names. */
export function differences(row: object | undefined, members: readonly Member[]): Difference {
  const stored = new Map<string, SqlValue>(Object.entries(row ?? {}))
  const columns: Record<string, SqlValue> = {}
  const fields: Record<string, readonly [unknown, unknown]> = {}
  for (const { name, column, wanted, show } of members) {
    const before = stored.get(column) ?? null
    if (wanted === undefined || (row !== undefined && isSame(before, wanted))) continue
    columns[column] = wanted
    fields[name] = [row === undefined ? undefined : show(before), show(wanted)]
  }
  return { columns, fields }
}

export const isEmpty = ({ columns }: Difference) => Object.keys(columns).length === 0

/** Numbers are compared across drivers, JSON without the order of its members. */
function isSame(before: SqlValue, wanted: SqlValue): boolean {
  if (before === null || wanted === null) return before === wanted
  if (typeof wanted !== 'string' || typeof before !== 'string') return String(before) === String(wanted)
  return (
    before === wanted ||
    (isComposite(before) && isComposite(wanted) && canonicalJson(parseJson(before)) === wanted)
  )
}

const isComposite = (text: string) => text.startsWith('{') || text.startsWith('[')

/** JSON with sorted members: equal values have equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isRecord(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  )
}

export function parseJson(stored: SqlValue): unknown {
  return typeof stored === 'string' ? JSON.parse(stored) : undefined
}

function hide(value: unknown): unknown {
  if (!isRecord(value)) return value === undefined ? undefined : hiddenValue
  return Object.fromEntries(Object.keys(value).map(name => [name, hiddenValue]))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export async function updateColumns(
  tx: Transaction,
  row: { readonly table: keyof Tables; readonly key: readonly [column: string, value: SqlValue] },
  columns: Difference['columns'],
): Promise<void> {
  const places = Object.keys(columns).map((name, index) => `${name} = $${index + 2}`)
  const [column, value] = row.key
  await tx.change(`UPDATE ${row.table} SET ${places.join(', ')} WHERE ${column} = $1`, [
    value,
    ...Object.values(columns),
  ])
}

/** Answers the new row's id. */
export async function insertColumns(
  tx: Transaction,
  table: keyof Tables,
  columns: Difference['columns'],
): Promise<number> {
  const names = Object.keys(columns)
  const places = names.map((_, index) => `$${index + 1}`)
  const rows = await tx.query(
    `INSERT INTO ${table} (${names.join(', ')}) VALUES (${places.join(', ')}) RETURNING id`,
    Object.values(columns),
  )
  return Number(rows[0]?.['id'])
}
