import pg from 'pg'
import { readInteger } from '../../rows.ts'
import type { SqlRow, SqlValue } from '../../transaction.ts'

/** int8, and numeric, which a sum of int8 is. */
const integerTypes = new Set([20, 1700])

/** Leaves both as text: the driver's parsers do not know the column, and the column decides. */
export const textualIntegers: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    integerTypes.has(oid)
      ? (text: string) => text
      : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
}

/** The rows with money as `bigint` and all other integers as `number`, changed in place. */
export function rowsOf({ rows, fields }: pg.QueryResult<Record<string, SqlValue>>): SqlRow[] {
  for (const { name, dataTypeID } of fields) {
    if (!integerTypes.has(dataTypeID)) continue
    for (const row of rows) {
      const text = row[name]
      if (typeof text === 'string') row[name] = readInteger(name, BigInt(text))
    }
  }
  return rows
}
