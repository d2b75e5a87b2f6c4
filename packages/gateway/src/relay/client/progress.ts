import { plainUsage, type StreamTap } from '@yumen/protocol'
import type { RequestLog } from '../request-log.ts'
import { noteProgress, type SettleParts } from '../settle.ts'
import { roughCount, type TokenCounter } from '../tokens/token-counter.ts'

export interface ProgressParts extends SettleParts {
  readonly counter: TokenCounter
  readonly onBug: (error: unknown) => void
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
  #input: number | undefined
  #isCounting = false

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
    this.#at = now
    if (text.length === this.#chars) return
    const input = usage?.input ?? this.#input
    if (input === undefined) {
      this.#countInput()
      return
    }
    this.#chars = text.length
    const output = Math.max(usage?.output ?? 0, roughCount(text))
    noteProgress(
      this.#parts,
      this.#log,
      usage === undefined ? plainUsage(input, output) : { ...usage, output },
    )
  }

  /** Once, where the upstream has not told it: the note follows when the count is there. */
  #countInput(): void {
    const { facts } = this.#log
    if (this.#isCounting || facts === undefined) return
    this.#isCounting = true
    const question = { body: facts.body.toString('utf8'), text: '' }
    this.#parts.counter.count(question).then(({ body }) => {
      this.#input = body
    }, this.#parts.onBug)
  }
}
