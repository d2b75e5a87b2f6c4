import type { StoreKind } from '../transaction.ts'

/** One step of the schema, forward only. Released ones never change. */
export interface Migration {
  readonly number: number
  readonly name: string
  statements(kind: StoreKind): readonly string[]
}

export interface MigrationStatus {
  /** The number of the last migration that ran; 0 for an empty database. */
  readonly current: number
  /** The last one that this program knows. */
  readonly known: number
  /** `0001-first`, in the order in which they will run. */
  readonly pending: readonly string[]
}
