import type { Transaction } from '../transaction.ts'
import type { Procedures } from './types.ts'

/** A write of the store: one transaction, begun and ended by whoever calls it. */
export type Procedure<Name extends keyof Procedures> = (
  tx: Transaction,
  args: Procedures[Name]['args'],
) => Promise<Procedures[Name]['result']>

const installation = () => import('./installation.ts')
const revisions = () => import('./revisions.ts')
const leaders = () => import('./leaders.ts')
const users = () => import('./users.ts')
const apiKeys = () => import('./api-keys.ts')
const channels = () => import('./channels.ts')
const migrations = () => import('../migrations/migrate.ts')

/** Where each procedure is. Loaded when first called: a gateway at rest holds the few that it runs. */
const procedures: { readonly [Name in keyof Procedures]: () => Promise<Procedure<Name>> } = {
  migrate: async () => (await migrations()).migrateSchema,
  migrationStatus: async () => (await migrations()).migrationStatus,
  readRevisions: async () => (await revisions()).readRevisions,
  openInstallation: async () => (await installation()).openInstallation,
  startNode: async () => (await installation()).startNode,
  heartbeat: async () => (await installation()).heartbeat,
  endNode: async () => (await installation()).endNode,
  nodeMark: async () => (await installation()).nodeMark,
  holdLeadership: async () => (await leaders()).holdLeadership,
  leaveLeadership: async () => (await leaders()).leaveLeadership,
  commitBatch: async () => (await import('./commit-batch.ts')).commitBatch,
  applyState: async () => (await import('./apply/apply-state.ts')).applyState,
  createUser: async () => (await users()).createUser,
  updateUser: async () => (await users()).updateUser,
  createApiKey: async () => (await apiKeys()).createApiKey,
  updateApiKey: async () => (await apiKeys()).updateApiKey,
  removeApiKey: async () => (await apiKeys()).removeApiKey,
  updateChannel: async () => (await channels()).updateChannel,
  removeChannel: async () => (await channels()).removeChannel,
  reportHealth: async () => (await import('./channel-health.ts')).reportHealth,
  removeOldRequests: async () => (await import('./retention.ts')).removeOldRequests,
}

/**
 * Those that write nothing: in SQLite they do not ask for the writer's lock, which another process may hold.
 */
const readers: ReadonlySet<string> = new Set<keyof Procedures>([
  'migrationStatus',
  'readRevisions',
  'nodeMark',
])

export const isReading = (name: string) => readers.has(name)

/**
 * Runs a procedure by name. Name and arguments come typed from `Store.run`, maybe through a thread border.
 */
export async function performProcedure(tx: Transaction, name: string, args: unknown): Promise<unknown> {
  if (!isProcedure(name)) throw new Error(`there is no procedure ${name}`)
  const procedure = (await procedures[name]()) as (tx: Transaction, args: unknown) => Promise<unknown>
  return procedure(tx, args)
}

function isProcedure(name: string): name is keyof Procedures {
  return Object.hasOwn(procedures, name)
}
