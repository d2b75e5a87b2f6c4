import { limits } from '#config'
import type { Log } from '#telemetry'
import type { WorkerLink } from '#workers'

/**
 * Resolves at the first signal; a second one ends the process at once. SIGHUP stops in good order as well: a terminal that is
 * closed must not leave a process behind. It comes from the kernel and from the shell, so another one changes nothing.
 */
export function waitForSignal(log: Log): Promise<void> {
  return new Promise(resolve => {
    let isFirst = true
    const onSignal = (signal: string) => {
      if (!isFirst) process.exit(1)
      isFirst = false
      log.info({ signal }, 'stopping')
      resolve()
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
    process.on('SIGHUP', signal => {
      if (!isFirst) return
      log.warn({}, 'SIGHUP stops a gateway of one process; with serve --workers it is a rolling restart')
      onSignal(signal)
    })
  })
}

/** A worker ends when its parent says so or is gone. The terminal and service managers signal every process: here they change nothing. */
export async function waitForParent({ stopped }: WorkerLink, log: Log): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
  await stopped
  endInTime(log)
}

/** Nobody else kills a worker whose start or stop hangs: its parent may be gone. */
export function endInTime(log: Log): void {
  const { workerStopMsMax } = limits
  setTimeout(() => {
    log.error({ ms: workerStopMsMax }, 'the worker did not end in time: what it left is for the next start')
    process.exit(1)
  }, workerStopMsMax)
}
