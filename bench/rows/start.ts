import type { Bench, Measure, Row } from '../bench.ts'
import { sleep } from '../clock.ts'
import { sampleTree, type TreeSample } from '../processes.ts'
import { runSlice, type Slice, troubles, whole1k } from '../slices.ts'
import { type Spread, spread } from '../statistics.ts'
import type { System } from '../systems.ts'

export const startRow: Row = {
  name: 'start',
  about:
    'from spawning to the first 200 of /readyz, warm; memory at rest and after 64 connections at full load',
  async run(bench) {
    const floor = await live(bench, bench.floor)
    const subject = await live(bench, bench.subject)
    return {
      measures: measuresOf(floor, subject),
      notes: [...floor.notes, ...subject.notes],
      raw: { floor, subject },
    }
  },
}

/** A system's life from its start to the end of a full load. */
interface Life {
  readonly ready: Spread
  readonly readyMs: readonly number[]
  readonly atRest: TreeSample
  readonly loaded: Slice
  readonly notes: readonly string[]
}

/** The very first start fills the compile cache and the store; the ones after it are what is told. */
async function live(bench: Bench, system: System): Promise<Life> {
  let running = await system.start({ way: 'plain' })
  const readyMs: number[] = []
  try {
    for (let index = 0; index < bench.scale.starts; index++) {
      running = await running.restart()
      readyMs.push(running.readyMs)
    }
    await sleep(bench.scale.idleMs)
    const atRest = sampleTree(running.pid)
    const loaded = await runSlice(bench, running, whole1k, bench.scale.fullLoadMs)
    return { ready: spread(readyMs), readyMs, atRest, loaded, notes: troubles([loaded.load], running.name) }
  } finally {
    await running.stop()
  }
}

function measuresOf(floor: Life, subject: Life): readonly Measure[] {
  const memory = (name: string, readMb: (life: Life) => number) =>
    ({ name, unit: 'MB', value: readMb(subject), floor: { value: readMb(floor), unit: 'MB' } }) as const
  return [
    {
      name: 'ready',
      unit: 'ms',
      value: subject.ready.median,
      spread: subject.ready,
      floor: { value: floor.ready.median, unit: 'ms' },
      limit: 1000,
      goal: 300,
    },
    { ...memory('memory at rest', life => life.atRest.rssMb), limit: 100, goal: 85 },
    { ...memory('memory after full load', life => life.loaded.rssMb), limit: 160 },
    memory('highest under full load', life => life.loaded.peakRssMb),
    { name: 'processes', unit: '', value: subject.atRest.processes },
  ]
}
