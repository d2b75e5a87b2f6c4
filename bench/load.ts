/**
 * The load generator's process: takes one job after another over IPC, so that its CPU time is not the
 * measured one's.
 */
import type { LoadJob, LoadMessage } from './load/job.ts'
import { runJob } from './load/run-job.ts'

function tell(message: LoadMessage): void {
  process.send?.(message)
}

process.on('message', (job: LoadJob) => {
  runJob(job, progress => tell({ kind: 'progress', progress })).then(
    result => tell({ kind: 'result', result }),
    (error: unknown) =>
      tell({
        kind: 'failed',
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
  )
})
process.on('disconnect', () => process.exit(0))
tell({ kind: 'ready' })
