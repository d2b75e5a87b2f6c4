import type { Bench, Row } from '../bench.ts'
import { sleep } from '../clock.ts'
import { prefill } from '../prefill.ts'
import { whole1k } from '../slices.ts'
import type { Running } from '../systems.ts'
import { compare, plain1k } from './compare.ts'

const applyEveryMs = 1000

export const whole1kRow: Row = {
  name: 'whole-1k',
  about: 'requests and answers of 1 KB, not streamed',
  run: bench => compare(bench, plain1k),
}

export const whole200kRow: Row = {
  name: 'whole-200k',
  about: 'requests of 200 KB, answers of 1 KB',
  run: bench =>
    compare(bench, {
      setting: { way: 'plain' },
      work: { ...whole1k, bodyBytes: 200 * 1024 },
      per: 'request',
    }),
}

export const tlsRow: Row = {
  name: 'tls',
  about: '1 KB over a TLS upstream',
  run: bench => compare(bench, { setting: { way: 'tls' }, work: whole1k, per: 'request' }),
}

export const failingRow: Row = {
  name: 'failing-20',
  about: '1 KB; the first channel fails 20 % with 500, the second never; the floor has no failing upstream',
  async run(bench) {
    const before = await bench.upstream.stats()
    const result = await compare(bench, { setting: { way: 'failing' }, work: whole1k, per: 'request' })
    const after = await bench.upstream.stats()
    const [failed, answered] = [after.failed - before.failed, after.answered - before.answered]
    const told = `the upstream answered ${answered} and failed ${failed} (both systems and warm-ups together)`
    const lost = result.notes.filter(note => note.startsWith(`${bench.subject.name}:`))
    const allSucceeded = {
      name: 'slices with a failed request',
      unit: '',
      value: lost.length,
      limit: 0,
    } as const
    return { ...result, measures: [...result.measures, allSucceeded], notes: [...result.notes, told] }
  },
}

export const applyRow: Row = {
  name: 'apply',
  about: '1 KB while a changed file is applied each second',
  run: bench =>
    compare(bench, { setting: { way: 'plain' }, work: whole1k, per: 'request', meanwhile: applyEachSecond }),
}

export const millionRow: Row = {
  name: 'million',
  about: '1 KB on a store that holds a million requests',
  run: bench =>
    compare(bench, { ...plain1k, setting: { way: 'plain', prefill: dataDir => fill(bench, dataDir) } }),
}

function fill(bench: Bench, dataDir: string): void {
  const startMs = performance.now()
  prefill(dataDir, bench.scale.prefilled)
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
  bench.say(`  filled the store with ${bench.scale.prefilled} requests in ${seconds} s`)
}

/**
 * One `apply` after another, each a second after the one before began, or when that has ended if it takes
 * longer.
 */
function applyEachSecond(subject: Running): () => Promise<readonly string[]> {
  const durationsMs: number[] = []
  let isOver = false
  const work = (async () => {
    for (let revision = 1; !isOver; revision++) {
      const startMs = performance.now()
      await subject.apply(revision)
      durationsMs.push(performance.now() - startMs)
      await sleep(Math.max(0, applyEveryMs - (performance.now() - startMs)))
    }
  })()
  const ended = work.then(
    () => `${durationsMs.length} applies, the slowest took ${Math.round(Math.max(0, ...durationsMs))} ms`,
    (error: unknown) => `apply failed: ${error instanceof Error ? error.message : String(error)}`,
  )
  return async () => {
    isOver = true
    return [await ended]
  }
}
