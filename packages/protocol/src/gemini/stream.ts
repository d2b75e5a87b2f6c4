import { countAt } from '../counts.ts'
import type { Reading, StreamTap } from '../dialect.ts'
import type { UpstreamError } from '../errors.ts'
import { isWire, listAt, parseJson, textAt, type Wire, wireAt } from '../reading.ts'
import { findUpstreamError, parseUpstreamError, protocolError } from '../upstream-errors.ts'
import type { ServerTools, Usage } from '../usage.ts'
import { readCandidate } from './answer.ts'
import { isBlock } from './errors.ts'
import { countSearches, parseUsage } from './usage.ts'

/**
 * `candidateCount` goes up to 8; indices beyond are one candidate, so that a broken stream fills no memory.
 */
const candidateIndexMax = 31

export function tap(choices: number): StreamTap {
  return new ContentTap(choices)
}

/**
 * Reads the objects of `streamGenerateContent`. The grammar has no terminator: the object with the last open
 * candidate's `finishReason` ends it, and nothing here ever reads as `end`.
 */
class ContentTap implements StreamTap {
  text = ''
  error: UpstreamError | undefined
  readonly #choices: number
  readonly #ended = new Set<number>()
  #hasContent = false
  #usage: Wire | undefined
  #searches = 0

  constructor(choices: number) {
    this.#choices = Math.max(1, choices)
  }

  get isFinished(): boolean {
    return this.#ended.size >= this.#choices
  }

  get usage(): Usage | undefined {
    const usage = parseUsage(this.#usage, generated)
    if (!usage || this.#searches === 0) return usage
    const server: ServerTools = { ...usage.server, webSearch: this.#searches }
    return { ...usage, server }
  }

  read(data: string, event: string): Reading {
    if (data.startsWith('[DONE]')) return this.#calm()
    const object = parseJson(data)
    if (event === 'error') return this.#fail(parseUpstreamError('gemini', 200, object ?? data))
    if (object === undefined) {
      if (data.trim() === '') return this.#calm()
      return this.#fail(protocolError(`an event of ${data.length} characters is not JSON`))
    }
    if (isWire(object)) this.#note(object)
    const error = findUpstreamError('gemini', object)
    if (error) return this.#fail(error)
    if (isBlock(object)) return this.#endAll()
    return isWire(object) ? this.#readObject(object) : this.#calm()
  }

  #readObject(object: Wire): Reading {
    const candidates = listAt(object, 'candidates')
    if (candidates.length === 0) return isWire(object.usageMetadata) ? 'usage' : this.#calm()
    if (!this.#hasContent && lacksSignature(candidates)) return this.#fail(signatureError)
    let hasContent = false
    let position = 0
    for (const candidate of candidates) {
      if (!isWire(candidate)) continue
      const text = readCandidate(candidate)
      if (text !== undefined) {
        hasContent = true
        this.text += text
      }
      this.#end(candidate, position)
      position += 1
    }
    this.#hasContent ||= hasContent
    if (this.isFinished) return 'finish'
    return hasContent ? 'content' : 'prelude'
  }

  /** A blocked prompt is a whole answer: no candidate will come. */
  #endAll(): Reading {
    for (let index = 0; index < this.#choices; index++) this.#ended.add(index)
    return 'finish'
  }

  #end(candidate: Wire, position: number): void {
    const reason = textAt(candidate, 'finishReason')
    if (reason === '' || reason === 'FINISH_REASON_UNSPECIFIED') return
    const index = typeof candidate.index === 'number' && candidate.index >= 0 ? candidate.index : position
    this.#ended.add(Math.min(Math.floor(index), candidateIndexMax))
  }

  /**
   * The last usage with a total above 0, behind the finish only one that counts no less; the longest list of searches, since
   * each object repeats it.
   */
  #note(object: Wire): void {
    const usage = wireAt(object, 'usageMetadata')
    const least = this.isFinished ? (countAt(this.#usage, 'totalTokenCount') ?? 0) : 0
    const isNews = usage?.totalTokenCount !== 0 && (countAt(usage, 'totalTokenCount') ?? least) >= least
    if (usage && (!this.#usage || isNews)) this.#usage = usage
    this.#searches = Math.max(this.#searches, countSearches(object))
  }

  #calm(): Reading {
    return this.isFinished ? 'finish' : 'prelude'
  }

  #fail(error: UpstreamError): Reading {
    this.error ??= error
    return 'error'
  }
}

/** Stands for the whole answer: whatever came, it was asked to generate. */
const generated = { candidates: [{}] }

const signatureError: UpstreamError = {
  class: 'state_invalid',
  status: 400,
  message: 'a function call of the conversation lacks its thought signature',
  upstreamCode: 'MISSING_THOUGHT_SIGNATURE',
}

/** Before any content the request can still be repaired; after it the reason stays what it is, a finish. */
function lacksSignature(candidates: readonly unknown[]): boolean {
  return candidates.every(candidate => textAt(candidate, 'finishReason') === 'MISSING_THOUGHT_SIGNATURE')
}
