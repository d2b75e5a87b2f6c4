import type { DesiredState, StateChange } from '../../config/desired-state.ts'
import type { MigrationStatus } from '../migrations/migration.ts'

/**
 * Every write of the store, by name: arguments and result cross a thread as structured clones. A procedure is
 * one transaction. `now` is always the caller's clock.
 */
export interface Procedures {
  /**
   * Runs pending migrations under a lock; answers their names. `newer_schema` when the database is ahead of
   * the program.
   */
  migrate: { args: { now: number }; result: readonly string[] }
  /** `newer_schema` likewise. Writes nothing. */
  migrationStatus: { args: object; result: MigrationStatus }

  /** What a node polls each second: no report that is being read delays it. */
  readRevisions: { args: object; result: { configuration: number; keys: number; health: number } }

  /** What a node has learned of channels; what is over is removed. `''` stands for every key, every model. */
  reportHealth: {
    args: {
      node: string
      now: number
      reports: readonly {
        channelId: number
        channelRevision: number
        keyFingerprint: string
        model: string
        reason: string
        isNamed: boolean
        restsUntil: number
      }[]
    }
    result: void
  }

  /** Makes the installation row when there is none; answers it. */
  openInstallation: { args: { id: string; now: number }; result: { id: string; epoch: number } }

  /** A new process life. Fails when the id exists. */
  startNode: { args: { id: string; epoch: number; now: number; heartbeatUntil: number }; result: void }
  /** Answers how many nodes live, this one among them. */
  heartbeat: { args: { id: string; now: number; heartbeatUntil: number }; result: { liveNodes: number } }
  /** Removes the row of a node whose journal is committed and gone. */
  endNode: { args: { id: string }; result: void }
  /** The mark of a node's journal; `undefined` for a node that the store has never seen. */
  nodeMark: { args: { id: string }; result: number | undefined }
  /** Takes or prolongs the lease of one kind of work until then; `false` while another node has it. */
  holdLeadership: { args: { name: string; node: string; now: number; until: number }; result: boolean }
  /** Gives the lease back; nothing when another node has it. */
  leaveLeadership: { args: { name: string; node: string }; result: void }
  /**
   * Records of one node's journal in the order of `seq`, as the journal wrote them: `records` holds its
   * lines in pieces of whole ones, each a JSON text that may have its checksum before it. One transaction inserts charges and
   * requests, moves accounts (`balance`, `available`, `spent`) and keys (`spent`), adds to the hourly rollups
   * and advances the node's mark. Asks that the mark is `markBefore`; answers `stale` when it is not. A
   * charge that exists with the same content is skipped; with other content it fails with `ledger_conflict`.
   */
  commitBatch: {
    args: { nodeId: string; markBefore: number; markAfter: number; records: readonly Uint8Array[] }
    result: 'committed' | 'stale'
  }

  applyState: {
    args: { desired: DesiredState; prune: boolean; dryRun: boolean; now: number }
    result: { changes: readonly StateChange[] }
  }

  createUser: {
    args: {
      username: string
      role: 'user' | 'admin' | 'root'
      group: string
      passwordHash: string | undefined
      balance: bigint | 'unlimited'
      now: number
    }
    result: { id: number; accountId: number }
  }
  updateUser: {
    args: {
      username: string
      role?: 'user' | 'admin' | 'root'
      group?: string
      status?: 'enabled' | 'disabled'
      passwordHash?: string
      now: number
    }
    result: void
  }
  createApiKey: {
    args: {
      username: string
      name: string
      hash: string
      hint: string
      group: string | undefined
      models: readonly string[] | undefined
      denyModels?: readonly string[] | undefined
      endpoints?: readonly string[] | undefined
      allowIps?: readonly string[] | undefined
      limit: bigint | undefined
      expiresAt: number | undefined
      now: number
    }
    result: { id: number }
  }
  updateApiKey: {
    args: { id: number; status?: 'enabled' | 'disabled'; expiresAt?: number | null; now: number }
    result: void
  }
  removeApiKey: { args: { id: number; now: number }; result: void }
  updateChannel: {
    args: { name: string; enabled?: boolean; weight?: number; priority?: number; now: number }
    result: void
  }
  removeChannel: { args: { name: string; now: number }; result: void }

  /** Removes at most `limit` of the oldest requests with an id below `beforeId`; answers how many went. */
  removeOldRequests: { args: { beforeId: string; limit: number }; result: number }
}

export type ProcedureName = keyof Procedures
export type ProcedureArgs<Name extends ProcedureName> = Procedures[Name]['args']
export type ProcedureResult<Name extends ProcedureName> = Procedures[Name]['result']
