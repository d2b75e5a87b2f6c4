import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder } from '../../../make-folder.ts'
import type { storeLimits } from '../../limits.ts'
import type { ProcedureArgs, ProcedureName, ProcedureResult } from '../../procedures/types.ts'
import type { SqlValue } from '../../transaction.ts'
import { type Db, type Store, StoreError } from '../../types.ts'
import type { QueryAnswer, WorkerStart } from './messages.ts'
import { createWorkerClient, type WorkerClient } from './worker-client.ts'

export interface SqliteStoreParts {
  readonly path: string
  readonly limits: typeof storeLimits
  readonly clock: () => number
}

/**
 * SQLite in two worker threads, each started by its first call: one writes; the other reads, so that no read waits
 * behind a batch and no report delays one. A short read while nothing is under way is left to the writer: at rest
 * there is no second thread, which is 7 MB.
 */
export async function openSqliteStore({ path, limits, clock }: SqliteStoreParts): Promise<Store> {
  await makeFile(path)
  const { busyTimeoutMs, cacheKib, walKeepBytes, statementsMax, rowsMax, walBytesMax, walCheckEvery } = limits
  const start: WorkerStart = {
    settings: { path, busyTimeoutMs, cacheKib, walKeepBytes, statementsMax, rowsMax },
    walBytesMax,
    walCheckEvery,
  }
  const shared = { start, limits, clock }
  const writerFile = new URL('./write-worker.ts', import.meta.url)
  const readerFile = new URL('./read-worker.ts', import.meta.url)
  const writer = createWorkerClient({ name: 'writer', file: writerFile, idleMsMax: undefined, ...shared })
  const reader = createWorkerClient({
    name: 'reader',
    file: readerFile,
    idleMsMax: limits.readerIdleMsMax,
    ...shared,
  })

  async function read(
    worker: WorkerClient,
    sql: string,
    parameters: readonly SqlValue[],
  ): Promise<QueryAnswer> {
    return (await worker.call({ kind: 'query', sql, parameters }, limits.readDeadlineMs)) as QueryAnswer
  }

  let db: Promise<Db> | undefined

  return {
    kind: 'sqlite',
    query: async <Result>(sql: string, parameters: readonly SqlValue[] = []) =>
      (await read(writer.pending === 0 ? writer : reader, sql, parameters))
        .rows as readonly unknown[] as readonly Result[], // decoding: the caller knows its SQL
    kysely: () =>
      (db ??= import('../../kysely.ts').then(({ kyselyOver }) =>
        kyselyOver('sqlite', (sql, parameters) => read(reader, sql, parameters)),
      )),
    async run<Name extends ProcedureName>(name: Name, args: ProcedureArgs<Name>) {
      const deadlineMs = name === 'migrate' ? limits.migrateDeadlineMs : limits.writeDeadlineMs
      const result = await writer.call({ kind: 'run', name, args: detached(args) }, deadlineMs)
      return result as ProcedureResult<Name>
    },
    async close() {
      await reader.close()
      await writer.close()
    },
  }
}

/** For its owner only; SQLite gives the files beside it the same mode. One that exists keeps its own. */
async function makeFile(path: string): Promise<void> {
  try {
    makeFolder(dirname(path))
    const file = await open(path, 'a', 0o600)
    await file.close()
  } catch (cause) {
    throw new StoreError('unavailable', `the database file ${path} cannot be written`, { cause })
  }
}

/**
 * Shared memory goes through the thread border as it is. A view on a part of any other buffer would take the whole
 * buffer along.
 */
function detached<Args extends object>(args: Args): Args {
  if (!('records' in args) || !Array.isArray(args.records)) return args
  return { ...args, records: args.records.map(detachedPiece) }
}

function detachedPiece(piece: unknown): unknown {
  if (!(piece instanceof Uint8Array) || piece.buffer instanceof SharedArrayBuffer) return piece
  return piece.byteLength === piece.buffer.byteLength ? piece : new Uint8Array(piece)
}
