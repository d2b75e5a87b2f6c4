/**
 * Loaded into a measured process by `--import`: ten times a second it adds a line to the file that BENCH_STALLS_FILE names, with the
 * time and the longest that the main thread's event loop stood still since the line before, in milliseconds.
 */
import { appendFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

const file = process.env['BENCH_STALLS_FILE']
const resolutionMs = 1
const everyMs = 100

if (isMainThread && file !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  setInterval(() => {
    const longestMs = Math.max(0, delay.max / 1e6 - resolutionMs)
    delay.reset()
    appendFileSync(file, `${Date.now()} ${longestMs.toFixed(2)}\n`)
  }, everyMs).unref()
}
