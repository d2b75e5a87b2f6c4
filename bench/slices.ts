import type { Bench, Scale } from './bench.ts'
import { sleep } from './clock.ts'
import type { LoadJob, LoadResult, Pace } from './load/job.ts'
import { models } from './models.ts'
import { sampleTree } from './processes.ts'
import type { Pair } from './statistics.ts'
import type { Running } from './systems.ts'

/**
 * After a slice, until its CPU time is read: what a gateway still writes in the background belongs to its
 * requests.
 */
const settleMs = 250

/** One system under one load for a few seconds. */
export interface Slice {
  readonly load: LoadResult
  readonly cpuMs: number
  readonly cpuUsPerRequest: number
  readonly cpuUsPerFrame: number
  readonly requestsPerSecond: number
  readonly rssMb: number
  readonly peakRssMb: number
}

/** The part of a job that a row chooses. */
export interface Work {
  readonly model: string
  readonly bodyBytes: number
  readonly isStreaming: boolean
  readonly framesMin: number
  readonly connections: number
  readonly pace: Pace
  readonly isStamped: boolean
}

export const whole1k: Work = {
  model: models.whole,
  bodyBytes: 1024,
  isStreaming: false,
  framesMin: 0,
  connections: 64,
  pace: { kind: 'closed' },
  isStamped: false,
}

export async function runSlice(bench: Bench, running: Running, work: Work, ms: number): Promise<Slice> {
  const before = sampleTree(running.pid)
  const load = await bench.load.run(jobOf(running, work, ms))
  await sleep(settleMs)
  const after = sampleTree(running.pid)
  const cpuMs = after.cpuMs - before.cpuMs
  return {
    load,
    cpuMs,
    cpuUsPerRequest: (cpuMs * 1000) / load.finished,
    cpuUsPerFrame: (cpuMs * 1000) / load.frames,
    requestsPerSecond: (load.finished * 1000) / load.elapsedMs,
    rssMb: after.rssMb,
    peakRssMb: after.peakRssMb,
  }
}

export interface Interleaving {
  readonly work: Work
  readonly warmUp?: Work
  /** The scale's own where it is not given. */
  readonly timing?: Pick<Scale, 'warmMs' | 'sliceMs' | 'pairs'>
}

/**
 * Warms both up, then takes slices in turn: floor, subject, floor, subject … Light work needs a heavier
 * warm-up before its own, or it would measure code that has not been compiled yet.
 */
export async function interleave(
  bench: Bench,
  systems: Pair<Running>,
  { work, warmUp, timing = bench.scale }: Interleaving,
): Promise<readonly Pair<Slice>[]> {
  const { warmMs, sliceMs, pairs } = timing
  const warmUps = warmUp === undefined ? [work] : [warmUp, work]
  for (const each of warmUps) {
    await runSlice(bench, systems.floor, each, warmMs / warmUps.length)
    await runSlice(bench, systems.subject, each, warmMs / warmUps.length)
  }
  const slices: Pair<Slice>[] = []
  for (let index = 0; index < pairs; index++) {
    const floor = await runSlice(bench, systems.floor, work, sliceMs)
    const subject = await runSlice(bench, systems.subject, work, sliceMs)
    slices.push({ floor, subject })
  }
  return slices
}

export function jobOf(running: Running, work: Work, ms: number): LoadJob {
  return {
    ...work,
    port: running.port,
    headers: running.headers,
    until: { kind: 'time', ms },
    graceMs: 15_000,
  }
}

/** What went wrong in these runs, in words; nothing when every request was answered with 200, whole. */
export function troubles(loads: readonly LoadResult[], name: string): readonly string[] {
  const failed = loads.reduce((sum, load) => sum + load.finished - load.succeeded, 0)
  const unfinished = loads.reduce((sum, load) => sum + (load.errors['no answer in time'] ?? 0), 0)
  if (failed + unfinished === 0) return []
  const seen = loads.map(({ statuses, errors }) => JSON.stringify({ statuses, errors }))
  return [
    `${name}: ${failed + unfinished} requests did not succeed: ${[...new Set(seen)].slice(0, 3).join(' ')}`,
  ]
}
