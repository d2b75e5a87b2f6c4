import type { Bench, Measure, Row, RowResult } from '../bench.ts'
import { interleave, type Slice, troubles, whole1k } from '../slices.ts'
import { median, type Pair, ratios, spread } from '../statistics.ts'
import type { Running, System } from '../systems.ts'

/**
 * One worker is the measure here, not the bare proxy: what is asked is whether a second process costs anything beside
 * its own memory. On two cores the load generator and the upstream share them with both workers, so that the throughput
 * of two says little, and none is ever so busy that it takes many requests in a turn, as one alone does: what the bare proxy pays for
 * a second process is told beside it.
 */
export const workersRow: Row = {
  name: 'workers',
  about: '1 KB, one process against two workers on one port: how even they are, what the second adds',
  async run(bench) {
    if (bench.twoWorkers === undefined)
      return { measures: [], notes: ['only the gateway has workers'], raw: [] }
    const workers = await measure(bench, bench.twoWorkers)
    const floors = await measureFloors(bench)
    return { ...workers, measures: [...workers.measures, floors] }
  },
}

async function measure(bench: Bench, twoWorkers: System): Promise<RowResult> {
  const one = await bench.subject.start({ way: 'plain' })
  try {
    const two = await twoWorkers.start({ way: 'plain' })
    try {
      return await compare(bench, one, two)
    } finally {
      await two.stop()
    }
  } finally {
    await one.stop()
  }
}

async function measureFloors(bench: Bench): Promise<Measure> {
  const one = await bench.floor.start({ way: 'plain' })
  try {
    const two = await bench.twoFloors.start({ way: 'plain' })
    try {
      const work = { ...whole1k, connections: bench.scale.connections }
      const pairs = await interleave(bench, { floor: one, subject: two }, { work })
      const cpu = ratios(pairs, slice => slice.cpuUsPerRequest)
      return { name: 'the same of two bare proxies against one', unit: '×', value: cpu.median, spread: cpu }
    } finally {
      await two.stop()
    }
  } finally {
    await one.stop()
  }
}

async function compare(bench: Bench, one: Running, two: Running): Promise<RowResult> {
  const work = { ...whole1k, connections: bench.scale.connections }
  const apart: number[] = []
  const pairs: Pair<Slice>[] = []
  const { warmMs, sliceMs, pairs: count } = bench.scale
  for (let index = 0; index < count; index++) {
    const before = await readRequests(two)
    const timing = { warmMs: index === 0 ? warmMs : 0, sliceMs, pairs: 1 }
    pairs.push(...(await interleave(bench, { floor: one, subject: two }, { work, timing })))
    apart.push(distance((await readRequests(two)).map((after, at) => after - (before[at] ?? 0))))
  }
  const evenness = spread(apart)
  const cpu = ratios(pairs, slice => slice.cpuUsPerRequest)
  const perSecond = ratios(pairs, slice => slice.requestsPerSecond)
  const middle = (side: keyof Pair<Slice>, read: (slice: Slice) => number) =>
    median(pairs.map(pair => read(pair[side])))
  return {
    measures: [
      { name: 'workers apart', unit: '%', value: evenness.median, spread: evenness, limit: 10 },
      {
        name: 'CPU per request, two against one',
        unit: '×',
        value: cpu.median,
        spread: cpu,
        limit: 1.05,
        floor: { value: middle('floor', slice => slice.cpuUsPerRequest), unit: 'µs' },
        subject: { value: middle('subject', slice => slice.cpuUsPerRequest), unit: 'µs' },
      },
      {
        name: 'requests per second, two against one',
        unit: '×',
        value: perSecond.median,
        spread: perSecond,
        floor: { value: middle('floor', slice => slice.requestsPerSecond), unit: '/s' },
        subject: { value: middle('subject', slice => slice.requestsPerSecond), unit: '/s' },
      },
      { name: 'memory of parent and workers', unit: 'MB', value: middle('subject', slice => slice.rssMb) },
    ],
    notes: [
      'the column of the floor is one process of the gateway',
      ...troubles(
        pairs.map(pair => pair.floor.load),
        one.name,
      ),
      ...troubles(
        pairs.map(pair => pair.subject.load),
        two.name,
      ),
    ],
    raw: { pairs, apart },
  }
}

/** Ended requests of each worker. */
async function readRequests({ port }: Running): Promise<readonly number[]> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(5_000) })
  const found = [...(await response.text()).matchAll(/^yumen_worker_requests_total\{worker="\d+"\} (\d+)$/gm)]
  if (found.length !== 2) throw new Error(`${found.length} workers tell their requests, not 2`)
  return found.map(([, count]) => Number(count))
}

/** How much less the one has done than the other, in per cent of the other. */
function distance(counts: readonly number[]): number {
  return (1 - Math.min(...counts) / Math.max(...counts)) * 100
}
