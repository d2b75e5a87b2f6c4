import type { StreamTap } from '@yumen/protocol'
import type { RequestLog } from './request-log.ts'
import { noteProgress, type SettleParts } from './settle.ts'
import { roughCount } from './token-counter.ts'

export interface ProgressParts extends SettleParts {
  readonly limits: { readonly progressTokens: number; readonly progressMs: number }
}

const charsPerToken = 4

/** Keeps in the journal what the client has got so far: after a kill that much is charged, and no more than a step is lost. */
export class Progress {
  readonly #parts: ProgressParts
  readonly #log: RequestLog
  readonly #tap: StreamTap
  #at: number
  #chars = 0

  constructor(parts: ProgressParts, of: { log: RequestLog; tap: StreamTap; now: number }) {
    this.#parts = parts
    this.#log = of.log
    this.#tap = of.tap
    this.#at = of.now
  }

  /** After a write: a step by size. */
  afterWrite(now: number): void {
    if (this.#tap.text.length - this.#chars >= this.#parts.limits.progressTokens * charsPerToken)
      this.#note(now)
  }

  /** From the sweep: a step by time. */
  sweep(now: number): void {
    if (now - this.#at >= this.#parts.limits.progressMs) this.#note(now)
  }

  #note(now: number): void {
    const { text, usage } = this.#tap
    const { facts } = this.#log
    this.#at = now
    if (text.length === this.#chars || facts === undefined) return
    this.#chars = text.length
    const input = usage?.input ?? Math.ceil(facts.body.length / charsPerToken)
    noteProgress(this.#parts, this.#log, { input, output: roughCount(text) })
  }
}
