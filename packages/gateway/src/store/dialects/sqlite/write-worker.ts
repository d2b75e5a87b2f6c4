import { statSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { isReading, performProcedure } from '../../procedures/index.ts'
import { openForReading, openForWriting, type SqliteConnection } from './connection.ts'
import type { WorkerStart } from './messages.ts'
import { serveCalls } from './serve.ts'
import { inTransaction } from './transaction.ts'

const { settings, walBytesMax, walCheckEvery } = workerData as WorkerStart
const connection = openForWriting(settings)
let reading: SqliteConnection | undefined
let writes = 0

serveCalls(async call => {
  if (call.kind === 'query') {
    reading ??= openForReading(settings)
    return reading.execute(call.sql, call.parameters)
  }
  const mode = isReading(call.name) ? 'DEFERRED' : 'IMMEDIATE'
  const result = await inTransaction(connection, mode, tx => performProcedure(tx, call.name, call.args))
  writes += 1
  if (writes % walCheckEvery === 0) boundWriteAheadLog()
  return result
}, close)

function close(): void {
  reading?.close()
  connection.close()
}

/**
 * SQLite's own checkpoints never wait; when readers kept them from finishing for long, this one waits for
 * them.
 */
function boundWriteAheadLog(): void {
  const file = statSync(`${settings.path}-wal`, { throwIfNoEntry: false })
  if (file === undefined || file.size <= walBytesMax) return
  connection.execute('PRAGMA wal_checkpoint(TRUNCATE)', [])
}
