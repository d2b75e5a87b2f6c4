import type { Reading, StreamTap } from '../dialect.ts'
import type { UpstreamError } from '../errors.ts'
import { isWire, listAt, parseJson, textAt, type Wire, wireAt } from '../reading.ts'
import { TextTemplate } from '../text-template.ts'
import { findUpstreamError, parseUpstreamError, protocolError } from '../upstream-errors.ts'
import type { Usage } from '../usage.ts'
import { failedFinish, readChoice } from './answer.ts'
import { parseUsage } from './usage.ts'

/**
 * The dialect allows `n` up to 128; indices beyond are one choice, so that a broken stream fills no memory.
 */
const choiceIndexMax = 127

export function tap(choices: number): StreamTap {
  return new ChatTap(choices)
}

/**
 * Reads chunks of chat completions and of legacy completions. Tolerates what vendors send: usage in any
 * chunk, content in the finish chunk, `finish_reason: ""`, DashScope's `event:error` with a bare
 * `{code,message}`.
 */
class ChatTap implements StreamTap {
  text = ''
  error: UpstreamError | undefined
  readonly #choices: number
  /** Per choice index: whether it ended. As long as the highest index seen. */
  readonly #ended: boolean[] = []
  #endedCount = 0
  #isClosed = false
  /** Some vendors end with an empty reason, and never with another. */
  #hasReason = false
  #usage: Wire | undefined
  #choiceUsage: Wire | undefined
  #timings: Wire | undefined
  #tier = ''
  readonly #template = new TextTemplate()

  constructor(choices: number) {
    this.#choices = Math.max(1, choices)
  }

  /** After the terminator the choices that were seen count, for upstreams that ignore `n`. */
  get isFinished(): boolean {
    if (this.#endedCount >= this.#choices) return true
    return this.#isClosed && this.#endedCount > 0 && this.#endedCount === this.#ended.length
  }

  get usage(): Usage | undefined {
    const whole = {
      choices: [{ usage: this.#choiceUsage }],
      timings: this.#timings,
      service_tier: this.#tier,
    }
    return parseUsage(this.#usage, whole) ?? parseUsage(this.#choiceUsage, whole)
  }

  read(data: string, event: string): Reading {
    const more = this.#template.match(event, data)
    if (more === undefined) return this.#parse(data, event)
    this.text += more
    return this.#endedCount >= this.#choices ? 'finish' : 'content'
  }

  #parse(data: string, event: string): Reading {
    if (data.startsWith('[DONE]')) {
      this.#isClosed = true
      // A proxy writes the terminator of its own, whether or not what it read had come to its end.
      const isCut = this.#ended.length > 0 && !this.isFinished && !this.#hasReason
      return isCut ? this.#fail(protocolError('the stream ended without a finish reason')) : 'end'
    }
    const chunk = parseJson(data)
    if (event === 'error') return this.#fail(parseUpstreamError('openai-chat', 200, chunk ?? data))
    if (chunk === undefined) {
      if (data.trim() === '') return this.#calm()
      return this.#fail(protocolError(`an event of ${data.length} characters is not JSON`))
    }
    if (isWire(chunk)) this.#note(chunk)
    const error = findUpstreamError('openai-chat', chunk)
    if (error) return this.#fail(error)
    if (!isWire(chunk)) return this.#calm()
    const reading = this.#readChoices(chunk)
    if (reading === 'content') this.#learn(chunk, data, event)
    return reading
  }

  /** The next event is likely to differ in the text of the same member alone. */
  #learn(chunk: Wire, data: string, event: string): void {
    const [choice, ...others] = listAt(chunk, 'choices')
    if (others.length > 0 || !isWire(choice)) return
    const text = readChoice(choice)
    const holder = choice.delta ?? choice
    const key = textKeys.find(name => textAt(holder, name) === text)
    if (key !== undefined && text !== undefined) this.#template.learn(event, data, key, text)
  }

  #readChoices(chunk: Wire): Reading {
    const choices = listAt(chunk, 'choices')
    if (choices.length === 0) return isWire(chunk.usage) ? 'usage' : this.#calm()
    let hasContent = false
    for (const choice of choices) {
      if (!isWire(choice)) continue
      const text = readChoice(choice)
      if (text !== undefined) {
        hasContent = true
        this.text += text
      }
      const error = failedFinish(choice)
      if (error) return this.#fail(error)
      this.#end(choice)
    }
    if (this.#endedCount >= this.#choices) return 'finish'
    return hasContent ? 'content' : 'prelude'
  }

  /** Marks a choice as seen, and as ended when it names a reason. */
  #end(choice: Wire): void {
    const index = typeof choice.index === 'number' && choice.index >= 0 ? Math.floor(choice.index) : 0
    const slot = Math.min(index, choiceIndexMax)
    while (this.#ended.length <= slot) this.#ended.push(false)
    this.#hasReason ||= typeof choice.finish_reason === 'string'
    if (textAt(choice, 'finish_reason') === '' || this.#ended[slot]) return
    this.#ended[slot] = true
    this.#endedCount += 1
  }

  /** Keeps what says something about usage; it is parsed when somebody asks. */
  #note(chunk: Wire): void {
    if (isWire(chunk.usage)) this.#usage = fuller(chunk.usage, this.#usage)
    if (isWire(chunk.timings)) this.#timings = chunk.timings
    if (typeof chunk.service_tier === 'string') this.#tier = chunk.service_tier
    for (const choice of listAt(chunk, 'choices')) {
      const usage = wireAt(choice, 'usage')
      if (usage) this.#choiceUsage = usage
    }
  }

  #calm(): Reading {
    return this.#endedCount >= this.#choices ? 'finish' : 'prelude'
  }

  #fail(error: UpstreamError): Reading {
    this.error ??= error
    return 'error'
  }
}

/** Members of a delta, or of a choice of a legacy completion, that hold text. */
const textKeys = ['content', 'reasoning_content', 'reasoning', 'text']

/**
 * The later report, unless it holds only zeros: some vendors send empty usage with every chunk, before or
 * after the true one.
 */
function fuller(later: Wire, earlier: Wire | undefined): Wire {
  return earlier === undefined || parseUsage(later) !== undefined ? later : earlier
}
