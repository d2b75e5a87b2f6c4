import type { Kysely } from 'kysely'
import type { ProcedureArgs, ProcedureName, ProcedureResult } from './procedures/types.ts'
import type { Tables } from './schema.ts'

/** The store as the rest of the gateway sees it: reads by Kysely queries, writes by named procedures. */
export interface Store {
  readonly kind: 'sqlite' | 'postgres'
  /** For reads only; what it runs may be answered by another thread, so a transaction is not offered. */
  readonly db: Kysely<Tables>
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
