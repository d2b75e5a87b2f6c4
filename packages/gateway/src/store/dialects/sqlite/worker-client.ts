import { Worker } from 'node:worker_threads'
import { StoreError, storeErrorCodes } from '../../types.ts'
import type { WorkerAnswer, WorkerCall, WorkerFailure, WorkerRequest, WorkerStart } from './messages.ts'

export interface WorkerClientParts {
  /** For messages: `reader` or `writer`. */
  readonly name: string
  readonly file: URL
  readonly start: WorkerStart
  readonly limits: WorkerLimits
  /** After so long without a call the thread ends; the next call starts another. `undefined`: it stays. */
  readonly idleMsMax: number | undefined
  /** Monotonic milliseconds. */
  readonly clock: () => number
}

interface WorkerLimits {
  readonly pendingCallsMax: number
  readonly closeDeadlineMs: number
  readonly workerDeathsMax: number
  readonly workerDeathsWindowMs: number
  readonly workerOldSpaceMb: number
  readonly workerYoungSpaceMb: number
}

export interface WorkerClient {
  /**
   * Fails with `unavailable` beyond the bound of pending calls, past the deadline, and when the worker dies.
   */
  call(call: WorkerCall, deadlineMs: number): Promise<unknown>
  /** Calls that are not answered yet. */
  readonly pending: number
  close(): Promise<void>
}

interface Pending {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** This thread's side of a worker: started by the first call, and again by the next one after it died. */
export function createWorkerClient(parts: WorkerClientParts): WorkerClient {
  const { name, limits } = parts
  const pending = new Map<number, Pending>()
  const deaths: number[] = []
  let worker: Worker | undefined
  let idleTimer: NodeJS.Timeout | undefined
  let isClosed = false
  let lastId = 0

  function unavailable(reason: string, options?: ErrorOptions): StoreError {
    return new StoreError('unavailable', `the store's ${name} ${reason}`, options)
  }

  function take(id: number): Pending | undefined {
    const call = pending.get(id)
    if (call === undefined) return undefined
    clearTimeout(call.timer)
    pending.delete(id)
    if (pending.size === 0) rest()
    return call
  }

  /** Nothing is under way: the process may end, and the worker after a while. */
  function rest(): void {
    worker?.unref()
    if (parts.idleMsMax === undefined) return
    idleTimer ??= setTimeout(retire, parts.idleMsMax).unref()
    idleTimer.refresh()
  }

  function retire(): void {
    const idle = worker
    if (pending.size > 0 || idle === undefined) return
    worker = undefined
    idle.postMessage({ kind: 'close' } satisfies WorkerRequest)
  }

  function receive(answer: WorkerAnswer): void {
    const call = take(answer.id)
    if (answer.kind === 'done') call?.resolve(answer.result)
    else call?.reject(revive(answer.error))
  }

  function bury(dead: Worker, cause: unknown): void {
    if (worker !== dead) return
    worker = undefined
    deaths.push(parts.clock())
    for (const id of pending.keys())
      take(id)?.reject(unavailable(`ended in the middle of it: ${wordsOf(cause)}`, { cause }))
  }

  function startWorker(): Worker {
    const windowStart = parts.clock() - limits.workerDeathsWindowMs
    while (deaths[0] !== undefined && deaths[0] <= windowStart) deaths.shift()
    if (deaths.length >= limits.workerDeathsMax)
      throw unavailable(`died ${deaths.length} times within a minute`)
    const started = spawn(parts)
    started.on('message', receive)
    started.on('error', error => bury(started, error))
    started.on('exit', status => bury(started, new Error(`exit status ${status}`)))
    return started
  }

  return {
    get pending() {
      return pending.size
    },
    async call(call, deadlineMs) {
      if (isClosed) throw unavailable('is closed')
      if (pending.size >= limits.pendingCallsMax) throw unavailable(`has ${pending.size} calls waiting`)
      worker ??= startWorker()
      const to = worker
      lastId += 1
      const id = lastId
      return new Promise((resolve, reject) => {
        const late = () => take(id)?.reject(unavailable(`did not answer within ${deadlineMs} ms`))
        pending.set(id, { resolve, reject, timer: setTimeout(late, deadlineMs) })
        const request: WorkerRequest = { kind: 'call', id, expiresAt: Date.now() + deadlineMs, call }
        try {
          to.ref()
          to.postMessage(request)
        } catch (error) {
          take(id)
          reject(error)
        }
      })
    },
    async close() {
      if (isClosed) return
      isClosed = true
      clearTimeout(idleTimer)
      if (worker !== undefined) await stop(worker, limits.closeDeadlineMs)
    },
  }
}

const wordsOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))

function spawn({ file, start, limits }: WorkerClientParts): Worker {
  return new Worker(file, {
    workerData: start,
    resourceLimits: {
      maxOldGenerationSizeMb: limits.workerOldSpaceMb,
      maxYoungGenerationSizeMb: limits.workerYoungSpaceMb,
      codeRangeSizeMb: 16,
      stackSizeMb: 2,
    },
  })
}

/**
 * What was called before is still done. Past the deadline the thread is ended, and SQLite rolls back; nobody
 * waits for that, as a thread inside one long statement of SQLite ends only after it.
 */
async function stop(worker: Worker, deadlineMs: number): Promise<void> {
  const request: WorkerRequest = { kind: 'close' }
  worker.ref()
  await new Promise<void>(resolve => {
    const timer = setTimeout(() => {
      void worker.terminate()
      worker.unref()
      resolve()
    }, deadlineMs)
    worker.on('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    worker.postMessage(request)
  })
}

function revive({ code, message, stack }: WorkerFailure): Error {
  const known = storeErrorCodes.find(each => each === code)
  const error = known === undefined ? new Error(message) : new StoreError(known, message)
  if (stack !== undefined) error.stack = stack
  return error
}
