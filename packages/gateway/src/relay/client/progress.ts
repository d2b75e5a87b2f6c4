import { plainUsage, type StreamTap } from '@yumen/protocol'
import type { RequestLog } from '../request-log.ts'
import type { Facts } from '../scan.ts'
import { noteProgress, type SettleParts } from '../settle.ts'
import { roughCount, type TokenCounter } from '../tokens/token-counter.ts'

export interface ProgressParts extends SettleParts {
  readonly counter: TokenCounter
  readonly onBug: (error: unknown) => void
  readonly limits: { readonly progressTokens: number; readonly progressMs: number }
}

const charsPerToken = 4
/** Of a body whose tokens are not counted yet. */
const bytesPerToken = 4

/**
 * Keeps in the journal what the client has got so far: after a kill that much is charged, and no more than a step is lost. The first
 * note follows the first content within a sweep, so that no answer which a client has seen some of is without a record.
 */
export class Progress {
  readonly #parts: ProgressParts
  readonly #log: RequestLog
  readonly #tap: StreamTap
  #at: number
  #chars = 0
  #input: number | undefined
  #isCounting = false
  #hasNoted = false

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
    if (!this.#hasNoted || now - this.#at >= this.#parts.limits.progressMs) this.#note(now)
  }

  #note(now: number): void {
    const { text, usage } = this.#tap
    this.#at = now
    if (text.length === this.#chars) return
    const input = usage?.input ?? this.#input ?? this.#guessInput()
    this.#hasNoted = true
    this.#chars = text.length
    const output = Math.max(usage?.output ?? 0, roughCount(text))
    noteProgress(
      this.#parts,
      this.#log,
      usage === undefined ? plainUsage(input, output) : { ...usage, output },
    )
  }

  /** Where the upstream has not told it: by its size, until the count is there that is begun now. */
  #guessInput(): number {
    const { facts } = this.#log
    if (facts === undefined) return 0
    if (!this.#isCounting) this.#countInput(facts)
    return Math.ceil(facts.body.length / bytesPerToken)
  }

  #countInput(facts: Facts): void {
    this.#isCounting = true
    const question = { body: facts.body.toString('utf8'), text: '' }
    this.#parts.counter.count(question).then(({ body }) => {
      this.#input = body
    }, this.#parts.onBug)
  }
}
