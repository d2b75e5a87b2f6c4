import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from './prometheus.ts'

export interface MetricsSources {
  readonly openStreams: () => number
  readonly bytesInFlight: () => number
  readonly journalBytes: () => number
  readonly uncommitted: () => number
  readonly unpostedSeconds: () => number
  readonly liveNodes: () => number
  /** Rate limits that are kept in memory. */
  readonly rateBuckets: () => number
  /** 1 while the limits are shared in Redis, 0 while it is away, `undefined` without one. */
  readonly redisUp: () => number | undefined
  /** Of SQLite's write-ahead log; 0 on other stores. */
  readonly walBytes: () => number
}

/** Prometheus metrics. Labels are closed sets: dialects, operations and classes, never a model, key or channel. */
export function createMetrics(sources: MetricsSources) {
  const registry = new Registry()
  const registers = [registry]
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  gauge('yumen_open_streams', 'Streams between their first and last byte.', sources.openStreams)
  gauge(
    'yumen_bytes_in_flight',
    'Bytes of bodies and answers that are held in memory.',
    sources.bytesInFlight,
  )
  gauge('yumen_journal_bytes', "Size of this node's journal.", sources.journalBytes)
  gauge('yumen_uncommitted_records', 'Journal records that are not in the store yet.', sources.uncommitted)
  gauge(
    'yumen_unposted_seconds',
    'Time since the last commit while records wait for one.',
    sources.unpostedSeconds,
  )
  gauge(
    'yumen_live_nodes',
    'Nodes of the installation that live, as of the last heartbeat.',
    sources.liveNodes,
  )
  gauge('yumen_wal_bytes', 'Size of the write-ahead log of SQLite.', sources.walBytes)
  gauge('yumen_rate_buckets', 'Rate limits under way in the memory of this node.', sources.rateBuckets)
  if (sources.redisUp() !== undefined)
    gauge('yumen_redis_up', '1 while nodes share their limits in Redis.', () => sources.redisUp() ?? 0)
  gauge('yumen_resident_bytes', 'Resident memory of this process.', () => process.memoryUsage.rss())
  new Gauge({
    name: 'yumen_loop_delay_seconds',
    help: 'Delay of the event loop since the last scrape.',
    labelNames: ['quantile'],
    registers,
    collect() {
      this.set({ quantile: '0.5' }, delay.percentile(50) / 1e9)
      this.set({ quantile: '0.99' }, delay.percentile(99) / 1e9)
      delay.reset()
    },
  })

  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  }

  /** Counted in a plain map and read at a scrape: hashing labels at each request costs more than all else of telemetry. */
  function tally(name: string, help: string, labelNames: readonly string[]): (labels: string) => void {
    const counts = new Map<string, number>()
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset()
        for (const [labels, count] of counts) {
          const values = labels.split(' ')
          this.inc(Object.fromEntries(labelNames.map((label, index) => [label, values[index] ?? ''])), count)
        }
      },
    })
    return labels => counts.set(labels, (counts.get(labels) ?? 0) + 1)
  }

  return {
    registry,
    /** `<dialect> <operation> <class>` */
    countRequest: tally('yumen_requests_total', 'Ended requests by what the client was told.', [
      'dialect',
      'operation',
      'class',
    ]),
    /** `<class>` */
    countAttempt: tally('yumen_attempts_total', 'Calls to upstreams by their outcome.', ['class']),
    /** `<scope> <unit>` */
    countRateLimited: tally('yumen_rate_limited_total', 'Requests refused by a rate limit.', [
      'scope',
      'unit',
    ]),
    shed: new Counter({
      name: 'yumen_shed_total',
      help: 'Requests refused because a limit of the gateway was reached.',
      labelNames: ['limit'],
      registers,
    }),
    bugs: new Counter({
      name: 'yumen_internal_errors_total',
      help: 'Requests that ended by an error of the gateway itself.',
      registers,
    }),
    firstByte: new Histogram({
      name: 'yumen_first_byte_seconds',
      help: 'Arrival to the first byte of content.',
      registers,
      buckets: [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60],
    }),
    request: new Histogram({
      name: 'yumen_request_seconds',
      help: 'Arrival to the end.',
      registers,
      buckets: [0.01, 0.05, 0.2, 1, 5, 15, 60, 300, 1800],
    }),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
