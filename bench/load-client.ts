import { fileURLToPath } from 'node:url'
import type { Children } from './children.ts'
import type { LoadJob, LoadMessage, LoadProgress, LoadResult } from './load/job.ts'

const loadFile = fileURLToPath(new URL('./load.ts', import.meta.url))
const startTimeoutMs = 10_000
const countTimeoutMs = 240_000 // a bound for jobs that end by a count

export interface Load {
  run(job: LoadJob, onProgress?: (progress: LoadProgress) => void): Promise<LoadResult>
  stop(): void
}

/** Starts the load generator's process. One job at a time; a job that outlives its time is an error. */
export async function startLoad(children: Children): Promise<Load> {
  const child = children.fork(loadFile)
  let take: (message: LoadMessage) => void = () => undefined
  let fail: (error: Error) => void = () => undefined
  child.on('message', (message: LoadMessage) => take(message))
  child.on('exit', code => fail(new Error(`the load generator ended by itself (${code})`)))

  const within = async <Value>(timeoutMs: number, work: Promise<Value>): Promise<Value> => {
    const timer = setTimeout(
      () => fail(new Error(`the load generator was silent for ${timeoutMs} ms`)),
      timeoutMs,
    )
    try {
      return await work
    } finally {
      clearTimeout(timer)
    }
  }

  await within(
    startTimeoutMs,
    new Promise<void>((resolve, reject) => {
      take = () => resolve()
      fail = reject
    }),
  )

  return {
    run(job, onProgress = () => undefined) {
      const result = new Promise<LoadResult>((resolve, reject) => {
        fail = reject
        take = message => {
          if (message.kind === 'progress') onProgress(message.progress)
          else if (message.kind === 'result') resolve(message.result)
          else if (message.kind === 'failed') reject(new Error(message.message))
        }
        child.send(job)
      })
      const sendingMs = job.until.kind === 'time' ? job.until.ms : countTimeoutMs
      return within(sendingMs + job.graceMs + 10_000, result)
    },
    stop: () => child.kill('SIGTERM'),
  }
}
