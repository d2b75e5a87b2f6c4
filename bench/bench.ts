import type { Load } from './load-client.ts'
import { models } from './models.ts'
import type { Running, Setting, System } from './systems.ts'
import type { Upstream } from './upstream-client.ts'

/** What a row is handed. */
export interface Bench {
  readonly scale: Scale
  readonly floor: System
  readonly subject: System
  /** Two processes of the floor on one port. */
  readonly twoFloors: System
  /** The gateway with two worker processes; `undefined` where a stand-in takes its place. */
  readonly twoWorkers: System | undefined
  readonly upstream: Upstream
  readonly load: Load
  /** A fresh folder that is removed with the bench. */
  readonly makeFolder: (name: string) => string
  /** One line of progress, to stderr. */
  readonly say: (line: string) => void
}

/** How long and how much; the default run takes some fifteen minutes, the quick one some two. */
export interface Scale {
  readonly name: 'default' | 'quick'
  readonly sliceMs: number
  readonly warmMs: number
  readonly pairs: number
  readonly connections: number
  readonly slowStreams: number
  readonly slowModel: string
  readonly slowRampSeconds: number
  readonly bigBodies: number
  readonly memoryRequests: number
  readonly prefilled: number
  readonly starts: number
  readonly idleMs: number
  readonly fullLoadMs: number
}

export const scales = {
  default: {
    name: 'default',
    sliceMs: 3000,
    warmMs: 4000,
    pairs: 4,
    connections: 64,
    slowStreams: 5000,
    slowModel: models.slow,
    slowRampSeconds: 5,
    bigBodies: 200,
    memoryRequests: 200_000,
    prefilled: 1_000_000,
    starts: 5,
    idleMs: 5000,
    fullLoadMs: 8000,
  },
  quick: {
    name: 'quick',
    sliceMs: 400,
    warmMs: 500,
    pairs: 2,
    connections: 64,
    slowStreams: 1000,
    slowModel: models.slowQuick,
    slowRampSeconds: 2,
    bigBodies: 40,
    memoryRequests: 20_000,
    prefilled: 50_000,
    starts: 1,
    idleMs: 1000,
    fullLoadMs: 1500,
  },
} as const satisfies Record<string, Scale>

export interface Row {
  readonly name: string
  readonly about: string
  run(bench: Bench): Promise<RowResult>
}

export interface RowResult {
  readonly measures: readonly Measure[]
  readonly notes: readonly string[]
  /** All numbers that the measures were made from. */
  readonly raw: unknown
}

export type Unit = 'µs' | 'ms' | 'MB' | '×' | '/s' | '%' | ''

/**
 * One line of the table. `value` is what the limit speaks of; floor and subject are what it was made from.
 */
export interface Measure {
  readonly name: string
  readonly unit: Unit
  readonly value: number
  readonly spread?: { readonly min: number; readonly max: number }
  readonly floor?: { readonly value: number; readonly unit: Unit }
  readonly subject?: { readonly value: number; readonly unit: Unit }
  /** `value` is at most this, or with `least` at least this. */
  readonly limit?: number
  readonly goal?: number
  readonly least?: number
}

/** Starts both, runs `work`, and stops both whatever happened. */
export async function withBoth<Value>(
  bench: Bench,
  setting: Setting,
  work: (floor: Running, subject: Running) => Promise<Value>,
): Promise<Value> {
  // The floor knows no failover: it is given an upstream that does not fail, so that both answer all
  // requests.
  const floorWay = setting.way === 'failing' ? 'plain' : setting.way
  const floor = await bench.floor.start({ way: floorWay })
  try {
    return await withSubject(bench, setting, subject => work(floor, subject))
  } finally {
    await floor.stop()
  }
}

export async function withSubject<Value>(
  bench: Bench,
  setting: Setting,
  work: (subject: Running) => Promise<Value>,
): Promise<Value> {
  const subject = await bench.subject.start(setting)
  try {
    return await work(subject)
  } finally {
    await subject.stop()
  }
}
