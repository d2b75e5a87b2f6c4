import { type Row, withSubject } from '../bench.ts'
import { sampleTree } from '../processes.ts'
import { jobOf, troubles, type Work, whole1k } from '../slices.ts'
import { growthFromMiddle, median } from '../statistics.ts'

export const bodiesRow: Row = {
  name: 'bodies-20mb',
  about: '200 bodies of 20 MB at once: each is answered, by 200 or, where the budget is spent, by 503',
  run: bench =>
    withSubject(bench, { way: 'plain' }, async subject => {
      const bodies = bench.scale.bigBodies
      const work: Work = { ...whole1k, bodyBytes: 20_000_000, connections: bodies }
      const job = {
        ...jobOf(subject, work, 0),
        until: { kind: 'count', requests: bodies },
        graceMs: 60_000,
      } as const
      let rssMaxMb = 0
      const load = await bench.load.run(job, () => {
        rssMaxMb = Math.max(rssMaxMb, sampleTree(subject.pid).rssMb)
      })
      const after = sampleTree(subject.pid)
      const [served, shed] = [load.statuses['200'] ?? 0, load.statuses['503'] ?? 0]
      const others = JSON.stringify({ statuses: load.statuses, errors: load.errors })
      return {
        measures: [
          { name: 'highest memory', unit: 'MB', value: Math.max(rssMaxMb, after.peakRssMb), limit: 1024 },
          { name: 'answered 200 or 503', unit: '', value: served + shed, least: bodies },
          { name: 'of them 200', unit: '', value: served },
        ],
        notes: [`took ${Math.round(load.elapsedMs)} ms; ${others}`],
        raw: { load, after, rssMaxMb },
      }
    }),
}

export const memoryRow: Row = {
  name: 'memory',
  about: 'memory over 200,000 requests of 1 KB; grown: last fifth against the middle fifth',
  run: bench =>
    withSubject(bench, { way: 'plain' }, async subject => {
      const work: Work = { ...whole1k, connections: bench.scale.connections }
      const until = { kind: 'count', requests: bench.scale.memoryRequests } as const
      const samples: { readonly finished: number; readonly rssMb: number }[] = []
      const load = await bench.load.run({ ...jobOf(subject, work, 0), until }, ({ finished }) => {
        samples.push({ finished, rssMb: sampleTree(subject.pid).rssMb })
      })
      const levels = samples.map(sample => sample.rssMb)
      const fifth = Math.max(1, Math.floor(levels.length / 5))
      return {
        measures: [
          { name: 'grown from middle to end', unit: '%', value: growthFromMiddle(levels) * 100, limit: 10 },
          { name: 'first fifth', unit: 'MB', value: median(levels.slice(0, fifth)) },
          { name: 'middle fifth', unit: 'MB', value: median(levels.slice(fifth * 2, fifth * 3)) },
          { name: 'last fifth', unit: 'MB', value: median(levels.slice(-fifth)) },
          { name: 'highest', unit: 'MB', value: Math.max(...levels) },
        ],
        notes: [`${load.finished} requests`, ...troubles([load], subject.name)],
        raw: { load, samples },
      }
    }),
}
