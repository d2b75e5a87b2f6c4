import { type Row, type Scale, withBoth } from '../bench.ts'
import { interleave, runSlice, type Work, whole1k } from '../slices.ts'
import { addedLatency, notesOf } from './compare.ts'

export const latencyRow: Row = {
  name: 'latency',
  about: '1 KB at half of the subject’s own highest throughput, the same rate for both',
  run: bench =>
    withBoth(bench, { way: 'plain' }, async (floor, subject) => {
      const full = { ...whole1k, connections: bench.scale.connections }
      await runSlice(bench, floor, full, bench.scale.warmMs + bench.scale.sliceMs) // as long as the subject
      await runSlice(bench, subject, full, bench.scale.warmMs)
      const peak = await runSlice(bench, subject, full, bench.scale.sliceMs)
      const perSecond = Math.round(peak.requestsPerSecond / 2)
      // More connections than ever wait at once: what waits for a free one would be the generator's doing.
      const work: Work = { ...whole1k, connections: 256, pace: { kind: 'rate', perSecond } }
      const pairs = await interleave(
        bench,
        { floor, subject },
        { work, warmUp: full, timing: finer(bench.scale) },
      )
      return {
        measures: [
          addedLatency('added p50 at half load', pairs, slice => slice.load.latency.p50Us),
          { ...addedLatency('added p99 at half load', pairs, slice => slice.load.latency.p99Us), limit: 3 },
        ],
        notes: [`at ${perSecond} requests per second`, ...notesOf(pairs, bench)],
        raw: { peak, perSecond, pairs },
      }
    }),
}

/** More and shorter slices: one stall of the machine then spoils one pair of many, not one of few. */
function finer({ name, warmMs, sliceMs, pairs }: Scale) {
  const times = name === 'quick' ? 1 : 2
  return { warmMs, sliceMs: sliceMs / times, pairs: pairs * times }
}
