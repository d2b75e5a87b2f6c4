import { readFileSync } from 'node:fs'
import { type Bench, type Measure, type Row, type RowResult, withBoth, withSubject } from '../bench.ts'
import { models } from '../models.ts'
import { sampleTree } from '../processes.ts'
import { interleave, jobOf, type Slice, troubles, type Work, whole1k } from '../slices.ts'
import type { Pair } from '../statistics.ts'
import { addedLatency, compare, notesOf } from './compare.ts'

const streamed: Work = { ...whole1k, isStreaming: true }
const frameLimit = 1.3

export const streamRow: Row = {
  name: 'stream',
  about: 'streams of 100 frames, 5 ms apart, then of 400 frames back to back',
  async run(bench) {
    const gapped = await compare(bench, {
      setting: { way: 'plain' },
      work: { ...streamed, model: models.gapped, framesMin: 102 },
      per: 'frame',
      limit: frameLimit,
    })
    const dense = await compare(bench, {
      setting: { way: 'plain' },
      work: { ...streamed, model: models.backToBack, framesMin: 402 },
      per: 'frame',
      limit: frameLimit,
    })
    return {
      measures: [...named(gapped, 'gap'), ...named(dense, 'dense')],
      notes: [...gapped.notes, ...dense.notes],
      raw: { gapped: gapped.raw, backToBack: dense.raw },
    }
  },
}

/** Latency at full load says nothing of a paced stream, and little of a dense one: left out of the table. */
function named({ measures }: RowResult, word: string): readonly Measure[] {
  const kept = measures.filter(({ name }) => !name.includes('at full load'))
  return kept.map(measure => ({ ...measure, name: `${word}: ${measure.name}` }))
}

export const firstTokenRow: Row = {
  name: 'first-token',
  about: '50 streams a second of 20 frames, 10 ms apart, each frame stamped with the time of its writing',
  run: bench =>
    withBoth(bench, { way: 'plain' }, async (floor, subject) => {
      const stamped: Work = { ...streamed, model: models.stamped, framesMin: 22, isStamped: true }
      const work: Work = { ...stamped, pace: { kind: 'rate', perSecond: 50 } }
      const pairs = await interleave(bench, { floor, subject }, { work, warmUp: stamped })
      return { measures: firstTokenMeasures(pairs), notes: notesOf(pairs, bench), raw: pairs }
    }),
}

function firstTokenMeasures(pairs: readonly Pair<Slice>[]): readonly Measure[] {
  return [
    { ...addedLatency('added to first token, p50', pairs, slice => slice.load.firstByte.p50Us), limit: 0.5 },
    addedLatency('added to first token, p99', pairs, slice => slice.load.firstByte.p99Us),
    { ...addedLatency('added to any frame, p50', pairs, slice => slice.load.frameDelay.p50Us), limit: 0.5 },
    addedLatency('added to any frame, p99', pairs, slice => slice.load.frameDelay.p99Us),
  ]
}

export const streams5000Row = manyStreamsRow({ name: 'streams-5000', times: 1, limitMb: 1024 })
export const streams10000Row = manyStreamsRow({ name: 'streams-10000', times: 2, limitMb: 1536 })

interface ManyStreams {
  readonly name: string
  /** The scale's number of streams, so many times. */
  readonly times: number
  readonly limitMb: number
}

function manyStreamsRow({ name, times, limitMb }: ManyStreams): Row {
  return {
    name,
    about: `${(times * 5_000).toLocaleString('en')} streams at once, a frame a second each, in one process`,
    run: bench => runManyStreams(bench, bench.scale.slowStreams * times, limitMb),
  }
}

function runManyStreams(bench: Bench, asked: number, limitMb: number): Promise<RowResult> {
  return withSubject(bench, { way: 'plain' }, async subject => {
    const streams = affordableStreams(asked)
    const atRest = sampleTree(subject.pid)
    let rssMaxMb = 0
    const work: Work = {
      ...streamed,
      model: bench.scale.slowModel,
      framesMin: 22,
      connections: streams,
      pace: { kind: 'ramp', perSecond: bench.scale.slowStreams / bench.scale.slowRampSeconds },
    }
    const job = {
      ...jobOf(subject, work, 0),
      until: { kind: 'count', requests: streams },
      graceMs: 60_000,
    } as const
    const load = await bench.load.run(job, () => {
      rssMaxMb = Math.max(rssMaxMb, sampleTree(subject.pid).rssMb)
    })
    const after = sampleTree(subject.pid)
    return {
      measures: [
        { name: 'highest memory', unit: 'MB', value: Math.max(rssMaxMb, after.peakRssMb), limit: limitMb },
        { name: 'memory per stream', unit: 'MB', value: (rssMaxMb - atRest.rssMb) / streams },
        { name: 'open at once', unit: '', value: load.openMax, least: streams },
        { name: 'streams that ended whole', unit: '', value: load.succeeded, least: streams },
        { name: 'CPU per frame', unit: 'µs', value: ((after.cpuMs - atRest.cpuMs) * 1000) / load.frames },
        { name: 'processes', unit: '', value: after.processes },
      ],
      notes: [
        ...(streams < asked ? [`only ${streams} streams: the limit of open files is too low`] : []),
        ...troubles([load], subject.name),
      ],
      raw: { load, atRest, after, rssMaxMb },
    }
  })
}

/** A gateway needs two sockets a stream. Node raises its own limit of open files to the hard one. */
function affordableStreams(asked: number): number {
  const limits = readFileSync('/proc/self/limits', 'utf8')
  const filesMax = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  return Math.min(asked, Math.floor((filesMax - 500) / 2))
}
