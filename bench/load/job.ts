import type { HistogramSummary } from '../histogram.ts'

/** What the load generator is asked to do: plain values, since they cross a process border. */
export interface LoadJob {
  readonly port: number
  readonly headers: Readonly<Record<string, string>>
  readonly model: string
  readonly bodyBytes: number
  readonly isStreaming: boolean
  /** Frames that a complete stream has at least, `[DONE]` included. */
  readonly framesMin: number
  readonly connections: number
  readonly pace: Pace
  readonly until: Until
  /** How long requests under way may take after the last was sent; then they count as unfinished. */
  readonly graceMs: number
  /** Whether frames carry the time of their writing, to be compared with that of their arrival. */
  readonly isStamped: boolean
}

export type Pace =
  | { readonly kind: 'closed' } // each connection sends its next request when it has its answer
  | { readonly kind: 'rate'; readonly perSecond: number } // requests become due by the clock, answered or not
  | { readonly kind: 'ramp'; readonly perSecond: number } // one request per connection, one after another

type Until =
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'count'; readonly requests: number }

export interface LoadResult {
  readonly finished: number
  /** Status 200 and, for streams, whole. */
  readonly succeeded: number
  readonly statuses: Readonly<Record<string, number>>
  readonly errors: Readonly<Record<string, number>>
  readonly frames: number
  readonly elapsedMs: number
  readonly openMax: number
  readonly latency: HistogramSummary
  /** Due time → first byte of the answer; for streams, the first frame. */
  readonly firstByte: HistogramSummary
  /** A frame's writing at the upstream → its arrival here; empty without stamps. */
  readonly frameDelay: HistogramSummary
}

export interface LoadProgress {
  readonly finished: number
  readonly open: number
}

export type LoadMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly progress: LoadProgress }
  | { readonly kind: 'result'; readonly result: LoadResult }
  | { readonly kind: 'failed'; readonly message: string }
