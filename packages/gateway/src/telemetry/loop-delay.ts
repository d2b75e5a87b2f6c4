import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How late the event loop was on the mean since it was last asked, by a timer of the system's own. */
export function createLoopDelay(): () => number {
  const delay = monitorEventLoopDelay({ resolution: loopTimerMs })
  delay.enable()
  return () => {
    const meanMs = delay.mean / 1e6 - loopTimerMs
    delay.reset()
    return Number.isNaN(meanMs) ? 0 : meanMs
  }
}

const loopTimerMs = 20
