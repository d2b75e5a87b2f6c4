/** One worker's metrics in Prometheus' text format. */
export interface MetricsPart {
  /** `undefined`: workers that have ended; only what is counted over time is taken from them. */
  readonly worker: number | undefined
  readonly text: string
}

interface Family {
  readonly head: readonly string[]
  readonly type: string
  readonly samples: Map<string, number>
}

/** Gauges that a sum says nothing about. All others are summed. */
const acrossWorkers: Readonly<Record<string, 'largest' | 'each'>> = {
  // Seen by every worker: one installation, one file.
  yumen_live_nodes: 'largest',
  yumen_wal_bytes: 'largest',
  yumen_unposted_seconds: 'largest',
  yumen_resident_bytes: 'each',
  yumen_loop_delay_seconds: 'each',
}

/**
 * The metrics of several workers as those of one machine: counters and histograms summed, gauges summed, told by the
 * largest, or each with a label `worker`. The order of families is the one in which they are met first. Pure.
 */
export function sumMetrics(parts: readonly MetricsPart[]): string {
  const families = new Map<string, Family>()
  for (const { worker, text } of parts) addPart(families, worker, text)
  return renderFamilies(families)
}

/** Of a worker's metrics what goes on to count when it is gone. */
export function sumEnded(texts: readonly string[]): string {
  return sumMetrics(texts.map(text => ({ worker: undefined, text })))
}

function addPart(families: Map<string, Family>, worker: number | undefined, text: string): void {
  for (const [name, part] of parseFamilies(text)) {
    const isCounted = part.type === 'counter' || part.type === 'histogram'
    if (worker === undefined && !isCounted) continue
    const family = families.get(name) ?? { ...part, samples: new Map<string, number>() }
    families.set(name, family)
    const way = isCounted ? 'sum' : (acrossWorkers[name] ?? 'sum')
    for (const [sample, value] of part.samples) {
      const key = way === 'each' ? withWorker(sample, worker) : sample
      const before = family.samples.get(key)
      if (before === undefined) family.samples.set(key, value)
      else family.samples.set(key, way === 'largest' ? Math.max(before, value) : before + value)
    }
  }
}

function parseFamilies(text: string): Map<string, Family> {
  const families = new Map<string, Family>()
  let help = ''
  let family: Family | undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('# HELP ')) help = line
    else if (line.startsWith('# TYPE ')) {
      const [name = '', type = ''] = line.slice('# TYPE '.length).split(' ')
      family = { head: [help, line], type, samples: new Map() }
      families.set(name, family)
    } else if (line !== '' && family !== undefined) {
      const end = line.lastIndexOf(' ')
      family.samples.set(line.slice(0, end), Number(line.slice(end + 1)))
    }
  }
  return families
}

function withWorker(sample: string, worker: number | undefined): string {
  const label = `worker="${worker}"`
  return sample.endsWith('}') ? `${sample.slice(0, -1)},${label}}` : `${sample}{${label}}`
}

function renderFamilies(families: ReadonlyMap<string, Family>): string {
  const blocks = [...families.values()].map(({ head, samples }) =>
    [...head, ...[...samples].map(([sample, value]) => `${sample} ${value}`)].join('\n'),
  )
  return `${blocks.join('\n\n')}\n`
}

/** All samples of one family together: how many requests this worker has ended. */
export function totalOf(text: string, name: string): number {
  const samples = parseFamilies(text).get(name)?.samples.values() ?? []
  let total = 0
  for (const value of samples) total += value
  return total
}
