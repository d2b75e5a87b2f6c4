import type { Dialect } from '../faults/ask.ts'

/** What became of one case, in words that are the same on every machine. */
export interface Outcome {
  /** `no`: a whole and right answer. `told`: an error in good form, with its class. `wrong`: anything else, with what it was. */
  readonly noticed: 'no' | `told ${string}` | `wrong: ${string}`
  readonly takes: Takes
  readonly attempts: number
  readonly charged: Charged
}

/** Which of the gateway's time limits was waited for. */
export type Takes =
  | 'at once'
  | 'the connect limit'
  | 'the first-byte limit'
  | 'the idle limit'
  | 'the total limit'
  | "the upstream's own pace"
  | 'longer than any limit'

export type Charged =
  /** The usage that the upstream stated with the answer that the client got. */
  | 'the answer'
  /** The answer that the client got, its tokens counted by the gateway. */
  | 'the answer, counted'
  /** What the client got before the stream broke, counted by the gateway. */
  | 'the delivered part'
  /** Usage that the upstream stated with an answer that says why there is none. */
  | 'what the upstream stated'
  | 'nothing'
  | 'something else'

/** One outcome for all dialects, or one for each that differs from the rest. */
export type Expected =
  | Outcome
  | { readonly rest: Outcome; readonly but: Readonly<Partial<Record<Dialect, Outcome>>> }

/** Where the faulty channel leads. */
export type Address =
  | 'simulator'
  /** A simulator of its own for each case: nobody else uses its connections. */
  | 'own simulator'
  | 'no such name'
  | 'closed port'
  | 'port that takes no connection'
  | 'self-signed certificate'
  | 'TLS to a port without it'
  | 'no TLS to a port with it'

export interface Row {
  /** The fault's name at the simulator, with its number; for an address, what is wrong there. */
  readonly fault: string
  /** `simulator` unless told. */
  readonly address?: Address
  /** What happens, where the simulator's own words do not say it. */
  readonly about?: string
  /** The text of the faulty channel's own answer, where it may be delivered and is another than usual. */
  readonly says?: string
  /** The upstream is slow without passing a limit: no time is asserted. */
  readonly isSlow?: boolean
  /** One good answer comes first, on the connection that then goes bad. */
  readonly isSecond?: boolean
  /** Absent: the fault does not exist for whole answers. */
  readonly whole?: Expected
  /** Absent: the fault does not exist for streams. */
  readonly streamed?: Expected
  /** Said below the table, where the outcome needs a reason. */
  readonly note?: string
}

export interface FaultClass {
  readonly title: string
  readonly about: string
  readonly rows: readonly Row[]
}

/** The next candidate answered. */
export const survived = { noticed: 'no', takes: 'at once', attempts: 2, charged: 'the answer' } as const
/** The faulty channel's own answer was good enough. */
export const served = { noticed: 'no', takes: 'at once', attempts: 1, charged: 'the answer' } as const

export function survivedAfter(takes: Takes): Outcome {
  return { ...survived, takes }
}

/** The client itself can mend it, or nobody can: no other candidate is asked. */
export function told(errorClass: string, more: Partial<Outcome> = {}): Outcome {
  return { noticed: `told ${errorClass}`, takes: 'at once', attempts: 1, charged: 'nothing', ...more }
}

/** The stream had begun: it ends with an error, and what came before is charged. */
export function brokenOff(errorClass = 'upstream_error', takes: Takes = 'at once'): Outcome {
  return { noticed: `told ${errorClass}`, takes, attempts: 1, charged: 'the delivered part' }
}

export function both(expected: Expected): Pick<Row, 'whole' | 'streamed'> {
  return { whole: expected, streamed: expected }
}

export function expectedOf(expected: Expected, dialect: Dialect): Outcome {
  return 'rest' in expected ? (expected.but[dialect] ?? expected.rest) : expected
}
