import type { Kysely } from 'kysely'
import type { ProcedureArgs, ProcedureName, ProcedureResult } from './procedures/types.ts'
import type { Tables } from './schema.ts'
import type { SqlValue } from './transaction.ts'

export type Db = Kysely<Tables>

/** The store as the rest of the gateway sees it: reads by SQL or Kysely queries, writes by named procedures. */
export interface Store {
  readonly kind: 'sqlite' | 'postgres'
  /**
   * Rows of a short SELECT, written as for a `Transaction`: `$1 … $n` and the words that all stores share. The
   * caller says what a row holds, by `Row` of the table; integers follow the same rule as everywhere.
   */
  query<Result>(sql: string, parameters?: readonly SqlValue[]): Promise<readonly Result[]>
  /**
   * For reads of any length; what it runs may be answered by another thread, so a transaction is not offered.
   * Loaded when first asked for: it costs some 20 MB, which a gateway that only serves does without.
   */
  kysely(): Promise<Db>
  run<Name extends ProcedureName>(name: Name, args: ProcedureArgs<Name>): Promise<ProcedureResult<Name>>
  close(): Promise<void>
}

/** A failure that the caller can act on; anything else the driver throws is `unavailable`. */
export class StoreError extends Error {
  readonly code: StoreErrorCode
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
  }
}

export const storeErrorCodes = [
  'unavailable', // could not be reached, or did not answer in time
  'newer_schema', // written by a newer Yumen: this one must not touch it
  'not_found',
  'not_unique',
  'invalid', // refers to what does not exist, breaks a rule; the message says which
  'ledger_conflict', // the same charge with other content: a hard stop
] as const
export type StoreErrorCode = (typeof storeErrorCodes)[number]
