import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench, Measure, Row } from '../bench.ts'
import { sleep } from '../clock.ts'
import { interleave, jobOf, whole1k } from '../slices.ts'
import { median, ratios, spread } from '../statistics.ts'
import type { Running } from '../systems.ts'
import { apiKey } from '../yumen.ts'
import { notesOf } from './compare.ts'

/**
 * The gateway itself is the measure here: what do a thousand channels cost that one does not. Every channel offers the model that is
 * asked for, and the requests carry no sign of a conversation but their first message, as most do.
 */
export const channelsRow: Row = {
  name: 'channels-1000',
  about: '1 KB, one channel against 1,000 channels of 100 models; editing one of them; `explain` over all',
  async run(bench) {
    const stallsFile = join(bench.makeFolder('stalls'), 'stalls.txt')
    const one = await bench.subject.start({ way: 'plain' })
    try {
      const many = await bench.subject.start({ way: 'many', stallsFile })
      try {
        const routed = await compareRouting(bench, one, many)
        const stalls = await measureStalls(bench, many, stallsFile)
        const explained = await measureExplain(bench, many)
        return {
          measures: [...routed.measures, ...stalls, ...explained],
          notes: ['the column of the floor is the gateway with one channel', ...routed.notes],
          raw: routed.pairs,
        }
      } finally {
        await many.stop()
      }
    } finally {
      await one.stop()
    }
  },
}

async function compareRouting(bench: Bench, one: Running, many: Running) {
  const work = { ...whole1k, connections: bench.scale.connections }
  const timing = { ...bench.scale, pairs: bench.scale.pairs * 2 } // a few per cent are asked for
  const pairs = await interleave(bench, { floor: one, subject: many }, { work, timing })
  const cpu = ratios(pairs, slice => slice.cpuUsPerRequest)
  const middle = (side: 'floor' | 'subject') => median(pairs.map(pair => pair[side].cpuUsPerRequest))
  const memory: Measure = {
    name: 'memory',
    unit: 'MB',
    value: pairs.at(-1)?.subject.rssMb ?? 0,
    floor: { value: pairs.at(-1)?.floor.rssMb ?? 0, unit: 'MB' },
  }
  const measures: readonly Measure[] = [
    {
      name: 'CPU per request, 1,000 channels against one',
      unit: '×',
      value: cpu.median,
      spread: cpu,
      limit: 1.03,
      floor: { value: middle('floor'), unit: 'µs' },
      subject: { value: middle('subject'), unit: 'µs' },
    },
    memory,
  ]
  return { pairs, measures, notes: notesOf(pairs, bench) }
}

/**
 * The longest that the event loop stood still while a channel was edited under a light load. A dry run of the same command takes the
 * processor's time just so and changes nothing: what it shows is the machine's doing.
 */
async function measureStalls(bench: Bench, many: Running, file: string): Promise<readonly Measure[]> {
  const edits = bench.scale.name === 'quick' ? 2 : 6
  const windows = { dry: [] as number[], edit: [] as number[] }
  for (let revision = 1; revision <= edits; revision++) {
    for (const kind of ['dry', 'edit'] as const) {
      windows[kind].push(
        await longestStall(bench, many, file, () => many.apply(revision, { isDry: kind === 'dry' })),
      )
    }
  }
  const [dry, edit] = [spread(windows.dry), spread(windows.edit)]
  return [
    {
      name: 'longest stall at an edit of one channel',
      unit: 'ms',
      value: edit.median,
      spread: edit,
      limit: 5,
    },
    { name: 'the same at a dry run', unit: 'ms', value: dry.median, spread: dry },
  ]
}

async function longestStall(
  bench: Bench,
  many: Running,
  file: string,
  work: () => Promise<void>,
): Promise<number> {
  const startMs = Date.now()
  const pace = { kind: 'rate', perSecond: 100 } as const
  const loading = bench.load.run(jobOf(many, { ...whole1k, connections: 8, pace }, editWindowMs))
  await sleep(200)
  await work()
  await loading
  const lines = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map(line => line.split(' ').map(Number))
  return Math.max(...lines.filter(([at = 0]) => at >= startMs + 100).map(([, ms = 0]) => ms))
}

const editWindowMs = 4_000

async function measureExplain(bench: Bench, many: Running): Promise<readonly Measure[]> {
  const times = async (args: readonly string[]) => {
    const found: number[] = []
    for (let turn = 0; turn < bench.scale.starts; turn++) {
      const startMs = performance.now()
      await many.command(args)
      found.push(performance.now() - startMs)
    }
    return spread(found)
  }
  const explain = await times(['explain', '--key', apiKey, '--model', whole1k.model, '--json'])
  // What any command takes that reads the store: to start, to load its code, to open the database.
  const other = await times(['requests', 'list', '--limit', '1'])
  return [
    {
      name: 'explain, beyond another command of the store',
      unit: 'ms',
      value: explain.median - other.median,
      limit: 50,
    },
    { name: 'explain, the whole command', unit: 'ms', value: explain.median, spread: explain },
  ]
}
