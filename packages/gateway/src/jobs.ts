import { ulid } from 'ulid'
import type { Limits } from '#config'
import type { Store } from '#store'
import { errorFields, type Log } from '#telemetry'

export interface JobsParts {
  readonly store: Store
  readonly adopt: () => Promise<void>
  readonly limits: Limits
  readonly now: () => number
  readonly retentionDays: () => number
  readonly log: Log
}

const dayMs = 86_400_000
const retentionEveryMs = 600_000
const retentionSlice = 2_000

/** Background work of a node: adoption of dead nodes' journals, and the end of old request records. */
export function startJobs({ store, adopt, limits, now, retentionDays, log }: JobsParts): { stop(): void } {
  const timers = [
    every(limits.adoptIntervalMs, 'adoption', adopt),
    every(retentionEveryMs, 'retention', removeOld),
  ]

  /** Slice by slice, so that no transaction is long. */
  async function removeOld(): Promise<void> {
    const days = retentionDays()
    if (days === 0) return
    const beforeId = ulid(now() - days * dayMs)
      .slice(0, 10)
      .padEnd(26, '0')
    while ((await store.run('removeOldRequests', { beforeId, limit: retentionSlice })) === retentionSlice);
  }

  function every(ms: number, name: string, work: () => Promise<void>): NodeJS.Timeout {
    let isRunning = false
    const timer = setInterval(() => {
      if (isRunning) return
      isRunning = true
      work()
        .catch((error: unknown) => log.warn({ job: name, ...errorFields(error) }, 'a job failed'))
        .finally(() => {
          isRunning = false
        })
    }, ms)
    timer.unref()
    return timer
  }

  return {
    stop() {
      for (const timer of timers) clearInterval(timer)
    },
  }
}
