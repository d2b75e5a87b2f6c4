import { type Bench, type Measure, type RowResult, withBoth } from '../bench.ts'
import { interleave, type Slice, troubles, type Work, whole1k } from '../slices.ts'
import { differences, median, type Pair, ratios } from '../statistics.ts'
import type { Running, Setting } from '../systems.ts'

export interface Comparison {
  readonly setting: Setting
  readonly work: Work
  readonly per: 'request' | 'frame'
  /** Of the ratio of CPU time. */
  readonly limit?: number
  readonly goal?: number
  /** Goes on at the subject while slices are taken; returns what ends it. */
  readonly meanwhile?: (subject: Running) => () => Promise<readonly string[]>
}

/** The usual row: floor and subject in turn under the same load, their CPU time compared. */
export function compare(bench: Bench, comparison: Comparison): Promise<RowResult> {
  return withBoth(bench, comparison.setting, async (floor, subject) => {
    const end = comparison.meanwhile?.(subject)
    const work = { ...comparison.work, connections: bench.scale.connections }
    const pairs = await interleave(bench, { floor, subject }, { work }).finally(() => end?.())
    const notes = (await end?.()) ?? []
    return {
      measures: measuresOf(pairs, comparison),
      notes: [...notesOf(pairs, bench), ...notes],
      raw: pairs,
    }
  })
}

function measuresOf(pairs: readonly Pair<Slice>[], { per, limit, goal }: Comparison): readonly Measure[] {
  const cpu = (slice: Slice) => (per === 'request' ? slice.cpuUsPerRequest : slice.cpuUsPerFrame)
  const perSecond = (slice: Slice) =>
    per === 'request' ? slice.requestsPerSecond : (slice.load.frames * 1000) / slice.load.elapsedMs
  const ratio = ratios(pairs, cpu)
  const throughput = ratios(pairs, perSecond)
  const [floors, subjects] = [pairs.map(pair => pair.floor), pairs.map(pair => pair.subject)]
  return [
    {
      name: `CPU per ${per}`,
      unit: '×',
      value: ratio.median,
      spread: ratio,
      floor: { value: median(floors.map(cpu)), unit: 'µs' },
      subject: { value: median(subjects.map(cpu)), unit: 'µs' },
      ...(limit === undefined ? {} : { limit }),
      ...(goal === undefined ? {} : { goal }),
    },
    {
      name: `${per}s per second`,
      unit: '×',
      value: throughput.median,
      spread: throughput,
      floor: { value: median(floors.map(perSecond)), unit: '/s' },
      subject: { value: median(subjects.map(perSecond)), unit: '/s' },
    },
    addedLatency('added p50 at full load', pairs, slice => slice.load.latency.p50Us),
    addedLatency('added p99 at full load', pairs, slice => slice.load.latency.p99Us),
    {
      name: 'memory after',
      unit: 'MB',
      value: (subjects.at(-1)?.rssMb ?? 0) - (floors.at(-1)?.rssMb ?? 0),
      floor: { value: floors.at(-1)?.rssMb ?? 0, unit: 'MB' },
      subject: { value: subjects.at(-1)?.rssMb ?? 0, unit: 'MB' },
    },
  ]
}

/** Subject − floor of a latency that is read in microseconds, told in milliseconds. */
export function addedLatency(
  name: string,
  pairs: readonly Pair<Slice>[],
  readUs: (slice: Slice) => number,
): Measure {
  const readMs = (slice: Slice) => readUs(slice) / 1000
  const added = differences(pairs, readMs)
  return {
    name,
    unit: 'ms',
    value: added.median,
    spread: added,
    floor: { value: median(pairs.map(pair => readMs(pair.floor))), unit: 'ms' },
    subject: { value: median(pairs.map(pair => readMs(pair.subject))), unit: 'ms' },
  }
}

export function notesOf(pairs: readonly Pair<Slice>[], bench: Bench): readonly string[] {
  return [
    ...troubles(
      pairs.map(pair => pair.floor.load),
      bench.floor.name,
    ),
    ...troubles(
      pairs.map(pair => pair.subject.load),
      bench.subject.name,
    ),
  ]
}

export const plain1k: Comparison = {
  setting: { way: 'plain' },
  work: whole1k,
  per: 'request',
  limit: 2,
  goal: 1.5,
}
