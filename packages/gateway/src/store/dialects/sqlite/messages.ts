import type { SqlRow, SqlValue } from '../../transaction.ts'
import type { SqliteSettings } from './connection.ts'

/** What a worker is started with. */
export interface WorkerStart {
  readonly settings: SqliteSettings
  readonly walBytesMax: number
  readonly walCheckEvery: number
}

export type WorkerCall =
  | { readonly kind: 'query'; readonly sql: string; readonly parameters: readonly SqlValue[] }
  | { readonly kind: 'run'; readonly name: string; readonly args: unknown }

export type WorkerRequest =
  /** `expiresAt`: a call that nobody waits for any more is not begun. Milliseconds UTC. */
  | { readonly kind: 'call'; readonly id: number; readonly expiresAt: number; readonly call: WorkerCall }
  | { readonly kind: 'close' }

export type WorkerAnswer =
  | { readonly id: number; readonly kind: 'done'; readonly result: unknown }
  | { readonly id: number; readonly kind: 'failed'; readonly error: WorkerFailure }

/** An error on its way through a thread border. `code` is a `StoreErrorCode`; without one it is a bug. */
export interface WorkerFailure {
  readonly code: string | undefined
  readonly message: string
  readonly stack: string | undefined
}

export interface QueryAnswer {
  readonly rows: readonly SqlRow[]
  readonly changes: number
}
