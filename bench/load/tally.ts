import { monotonicUs } from '../clock.ts'
import { createHistogram } from '../histogram.ts'
import type { Outcome } from './connection.ts'
import type { LoadJob, LoadProgress, LoadResult } from './job.ts'

const errorKindsMax = 20

/** Counts how requests ended. Bounded, however long the job. */
export function createTally(job: LoadJob) {
  const [latency, firstByte, frameDelay] = [createHistogram(), createHistogram(), createHistogram()]
  const statuses: Record<string, number> = {}
  const errors: Record<string, number> = {}
  let [finished, succeeded, frames, open, openMax] = [0, 0, 0, 0, 0]

  const countError = (error: string) => {
    const name = error in errors || Object.keys(errors).length < errorKindsMax ? error : 'others'
    errors[name] = (errors[name] ?? 0) + 1
  }

  return {
    open() {
      open++
      if (open > openMax) openMax = open
    },
    stamp: (stampUs: number) => frameDelay.record(monotonicUs() - stampUs),
    record(outcome: Outcome) {
      finished++
      if (outcome.firstByteUs > 0) open--
      frames += outcome.frames
      if (outcome.status !== undefined) statuses[outcome.status] = (statuses[outcome.status] ?? 0) + 1
      const isWhole = !job.isStreaming || (outcome.isDone && outcome.frames >= job.framesMin)
      if (outcome.error !== undefined) return countError(outcome.error)
      if (outcome.status !== 200) return
      if (!isWhole) return countError('a stream ended before its last frame')
      succeeded++
      latency.record(outcome.endUs - outcome.dueUs)
      firstByte.record(outcome.firstByteUs - outcome.dueUs)
    },
    progress: (): LoadProgress => ({ finished, open }),
    result(elapsedUs: number, unfinished: number): LoadResult {
      if (unfinished > 0) errors['no answer in time'] = unfinished
      const histograms = {
        latency: latency.summary(),
        firstByte: firstByte.summary(),
        frameDelay: frameDelay.summary(),
      }
      return {
        finished,
        succeeded,
        statuses,
        errors,
        frames,
        elapsedMs: elapsedUs / 1000,
        openMax,
        ...histograms,
      }
    },
  }
}
