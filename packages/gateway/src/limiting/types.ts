import type { Options, RateLimit } from '#config'
import type { Rate } from './gcra.ts'

/** Whose limit it is. */
export type Scope = 'key' | 'user' | 'organisation' | 'user_model' | 'model_requests'

interface Named {
  /** Unique among all buckets: `key:7:requests`. */
  readonly name: string
  readonly scope: Scope
  /** The API key "laptop". */
  readonly subject: string
  /** The models that it is for: `claude-*`. */
  readonly models: string | undefined
  readonly limit: number
}

/** A limit of one caller. */
export type Bucket =
  | (Named & Rate & { readonly kind: 'rate'; readonly unit: 'requests' | 'successes' | 'tokens' })
  | (Named & { readonly kind: 'seats'; readonly unit: 'concurrency' })

/** Who asks, as far as limits go. */
export interface LimitedCaller {
  readonly id: number
  readonly name: string
  readonly userId: number
  readonly username: string
  readonly userGroup: string
  /** The key's own group, else the user's. */
  readonly group: string
  readonly organisation: { readonly id: string; readonly group: string } | undefined
  readonly rateLimit: RateLimit | undefined
}

export type LimitOptions = Pick<Options, Extract<keyof Options, `limits.${string}`>>

/** What came of taking a request's buckets, all or none. */
export interface Taken {
  readonly isTaken: boolean
  /** By bucket: the level of a rate, the places in use; after the taking, or as found when nothing was taken. */
  readonly levels: readonly number[]
  /** The nodes that share the limits at this place. */
  readonly nodes: number
}

/** How a limit stands, as headers tell it. */
export interface Counter {
  readonly limit: number
  readonly remaining: number
  /** Until the limit is whole again. */
  readonly resetMs: number
}

/** The tightest limits of a caller at a time. */
export interface Standing {
  readonly requests: Counter | undefined
  readonly tokens: Counter | undefined
  /** Milliseconds UTC. */
  readonly at: number
}

/** A limit that was reached. */
export interface Refusal {
  readonly scope: Scope
  readonly unit: Bucket['unit']
  readonly message: string
  readonly retryAfterMs: number
}

export type Admission =
  | { readonly kind: 'admitted'; readonly seat: Seat; readonly standing: Standing }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly standing: Standing }

/** What an admitted request holds. */
export interface Seat {
  /** The real cost, when it is known. Without it the reserved one stays. */
  settle(cost: { readonly tokens: number; readonly isSuccess: boolean }): void
  /** Gives the places back and corrects the rates. Only the first call counts. */
  end(): void
}

/** One take: the buckets of a request with what it is reckoned to cost. */
export interface Take {
  readonly buckets: readonly Bucket[]
  readonly tokens: number
}

/** How far a rate is to be moved at the end of a request. */
export interface Correction {
  readonly bucket: Extract<Bucket, { kind: 'rate' }>
  readonly units: number
}

export function costOf(bucket: Bucket, tokens: number): number {
  return bucket.unit === 'tokens' ? tokens : 1
}
