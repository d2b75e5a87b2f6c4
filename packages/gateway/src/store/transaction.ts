import type { Kysely } from 'kysely'
import type { Tables } from './schema.ts'

export type SqlValue = string | number | bigint | null
export type SqlRow = Readonly<Record<string, SqlValue>>
export type StoreKind = 'sqlite' | 'postgres'

/**
 * What a procedure works on: one transaction, already begun. SQL is written with `$1 … $n` and in the words
 * that all stores share; what differs is one of the methods. Integers that are added to a column are passed
 * as `bigint`.
 */
export interface Transaction {
  readonly kind: StoreKind
  /** Rows of a SELECT or of a RETURNING. Columns named `*_nusd` are `bigint`, other integers `number`. */
  query(sql: string, parameters?: readonly SqlValue[]): Promise<readonly SqlRow[]>
  /** The number of rows changed. */
  change(sql: string, parameters?: readonly SqlValue[]): Promise<number>
  /** Inserts the rows whose key is new; answers the indexes of those that were already there. */
  insertMissing(rows: BulkRows): Promise<readonly number[]>
  /**
   * Adds the other columns to existing rows, in the order given: sorted by key, so that two writers cannot
   * deadlock.
   */
  addTo(rows: BulkRows): Promise<void>
  /** As `addTo`, but makes the rows that are missing. */
  upsertSums(rows: BulkRows): Promise<void>
  /**
   * Loaded when first asked for: it costs a worker some 25 MB that the procedures of the hot path do without.
   */
  kysely(): Promise<Kysely<Tables>>
  /** The transaction will be rolled back although the procedure succeeds. */
  discard(): void
}

export interface BulkRows {
  readonly table: keyof Tables
  readonly key: readonly string[]
  /** Name to type, in the order of the values in `rows`. */
  readonly columns: Readonly<Record<string, 'text' | 'integer'>>
  readonly rows: readonly (readonly SqlValue[])[]
}
