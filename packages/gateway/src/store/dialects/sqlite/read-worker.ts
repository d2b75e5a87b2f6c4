import { workerData } from 'node:worker_threads'
import { openForReading } from './connection.ts'
import type { QueryAnswer, WorkerStart } from './messages.ts'
import { serveCalls } from './serve.ts'

const { settings } = workerData as WorkerStart
const connection = openForReading(settings)

serveCalls((call): QueryAnswer => {
  if (call.kind !== 'query') throw new Error('the reader only reads')
  return connection.execute(call.sql, call.parameters)
}, connection.close)
