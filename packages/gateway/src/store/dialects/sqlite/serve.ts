import { parentPort } from 'node:worker_threads'
import { StoreError } from '../../types.ts'
import type { WorkerAnswer, WorkerCall, WorkerFailure, WorkerRequest } from './messages.ts'

/**
 * Answers calls strictly one after another. The queue is bounded by the other side, which counts what is
 * pending.
 */
export function serveCalls(perform: (call: WorkerCall) => unknown, close: () => void): void {
  const port = parentPort
  if (port === null) throw new Error('this file runs as a worker thread of the store')
  let last: Promise<void> = Promise.resolve()
  port.on('message', (request: WorkerRequest) => {
    last = last.then(async () => {
      if (request.kind === 'call') return port.postMessage(await answer(request, perform))
      close()
      port.close()
    })
  })
}

async function answer(
  { id, expiresAt, call }: Extract<WorkerRequest, { kind: 'call' }>,
  perform: (call: WorkerCall) => unknown,
): Promise<WorkerAnswer> {
  try {
    if (Date.now() > expiresAt) throw new StoreError('unavailable', 'the call waited past its deadline')
    return { id, kind: 'done', result: await perform(call) }
  } catch (error) {
    return { id, kind: 'failed', error: describe(error) }
  }
}

const sqliteConstraints = { primaryKey: 1_555, unique: 2_067, trigger: 1_811, foreignKey: 787 } as const

function describe(error: unknown): WorkerFailure {
  if (error instanceof StoreError) return { code: error.code, message: error.message, stack: error.stack }
  if (!(error instanceof Error)) return { code: undefined, message: String(error), stack: undefined }
  return { code: codeOf(error), message: error.message, stack: error.stack }
}

function codeOf(error: Error): string | undefined {
  if (!('code' in error) || error.code !== 'ERR_SQLITE_ERROR' || !('errcode' in error)) return undefined
  const { primaryKey, unique, trigger, foreignKey } = sqliteConstraints
  if (error.errcode === primaryKey || error.errcode === unique) return 'not_unique'
  if (error.errcode === trigger || error.errcode === foreignKey) return 'invalid'
  return 'unavailable'
}
