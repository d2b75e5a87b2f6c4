import type { Reading, StreamTap } from '../dialect.ts'
import type { UpstreamError } from '../errors.ts'
import { isWire, parseJson, textAt, type Wire, wireAt } from '../reading.ts'
import { findUpstreamError, parseUpstreamError, protocolError } from '../upstream-errors.ts'
import type { Usage } from '../usage.ts'
import { contentOf, isCall, nameOf, textOf } from './answer.ts'
import { OutputItems } from './items.ts'
import { parseUsage } from './usage.ts'

/** A `response.created` repeats instructions and tools; of a longer one only the short members are kept. */
const headCharsMax = 65_536
/** Items whose deltas are remembered; what is beyond counts by its deltas alone. */
const itemsMax = 4_096

/** A response is one choice, whatever was asked. */
export function tap(_choices: number): ResponsesTap {
  return new ResponsesTap()
}

/**
 * Reads the events of a response. A terminal event is finish and end in one and reads as `end`. Unknown
 * events never fail the stream. Source: `ResponseStreamEvent` of `openai` 7.57.
 */
export class ResponsesTap implements StreamTap {
  text = ''
  error: UpstreamError | undefined
  isFinished = false
  /** The response of `response.created`, for a `response.failed` of our own. */
  head: Wire | undefined
  /** What of the output was told so far. */
  readonly items = new OutputItems()
  /** The sequence number that follows the last event that is not the terminal one. */
  nextSequence = 0
  /** Items, by output index, of which deltas came: their `done` events say nothing new. */
  readonly #told = new Set<number>()
  #final: Wire | undefined
  /** Whether anything came before the terminal event. */
  #hasBegun = false

  get usage(): Usage | undefined {
    return parseUsage(this.#final?.usage, this.#final)
  }

  read(data: string, event: string): Reading {
    if (data.startsWith('[DONE]')) return 'end'
    const message = parseJson(data)
    if (message === undefined) {
      if (data.trim() === '') return this.#calm('prelude')
      if (event === 'error') return this.#fail(parseUpstreamError('openai-responses', 200, data))
      return this.#fail(protocolError(`an event of ${data.length} characters is not JSON`))
    }
    if (!isWire(message)) {
      const error = findUpstreamError('openai-responses', message)
      return error ? this.#fail(error) : this.#calm('prelude')
    }
    return this.#readEvent(message, textAt(message, 'type') || event, data.length)
  }

  #readEvent(message: Wire, type: string, chars: number): Reading {
    const response = wireAt(message, 'response')
    if (!terminalTypes.has(type)) this.#hasBegun = true
    switch (type) {
      case 'response.completed':
      case 'response.incomplete':
        return this.#close(response)
      case 'response.failed':
        if (response) this.#final = response
        return this.#fail(parseUpstreamError('openai-responses', 200, response ?? message))
      case 'error':
        return this.#fail(parseUpstreamError('openai-responses', 200, message))
      case 'response.created':
      case 'response.in_progress':
      case 'response.queued':
        if (response) this.head ??= chars <= headCharsMax ? response : shortMembers(response)
        this.#count(message)
        return this.#calm('prelude')
      default:
        this.#count(message)
        this.items.note(message, type)
        return this.#readOther(message, type)
    }
  }

  #readOther(message: Wire, type: string): Reading {
    if (type.endsWith('.delta')) return this.#calm(this.#readDelta(message, type))
    if (type === 'response.output_item.done') return this.#calm(this.#readDone(message))
    if (type === 'response.output_item.added') return this.#calm(this.#readItem(wireAt(message, 'item')))
    if (type === 'response.image_generation_call.partial_image') return this.#calm('content')
    const error = type.startsWith('response.') ? undefined : findUpstreamError('openai-responses', message)
    return error ? this.#fail(error) : this.#calm('prelude')
  }

  #readItem(item: Wire | undefined): Reading {
    if (!item) return 'prelude'
    this.text += nameOf(item)
    return isCall(item) ? 'content' : 'prelude'
  }

  /**
   * Audio is content but no text: its transcript has deltas of its own. A tool's output (an object) was not
   * generated.
   */
  #readDelta(message: Wire, type: string): Reading {
    const delta = message.delta
    if (typeof delta !== 'string') return isWire(delta) ? 'content' : 'prelude'
    if (delta === '') return 'prelude'
    if (!type.endsWith('audio.delta')) this.text += delta
    if (typeof message.output_index === 'number' && this.#told.size < itemsMax) {
      this.#told.add(message.output_index)
    }
    return 'content'
  }

  /** Some vendors leave the deltas out: then the whole text stands here. */
  #readDone(message: Wire): Reading {
    const index = message.output_index
    const item = wireAt(message, 'item')
    if (!item || typeof index !== 'number' || this.#told.has(index) || this.#told.size >= itemsMax)
      return 'prelude'
    const text = contentOf(item)
    this.text += text
    return text === '' ? 'prelude' : 'content'
  }

  /** Alone it is no stream: a client that shows what comes, or an SDK that waits for the beginning, has nothing. */
  #close(response: Wire | undefined): Reading {
    this.#final = response
    this.isFinished = this.#hasBegun
    if (this.#hasBegun && this.text === '') this.text = textOf(response)
    return 'end'
  }

  #count(message: Wire): void {
    const number = message.sequence_number
    this.nextSequence = typeof number === 'number' && number >= 0 ? number + 1 : this.nextSequence + 1
  }

  /** What an event means on its own, or `finish` once the response was closed. */
  #calm(reading: Reading): Reading {
    return this.isFinished ? 'finish' : reading
  }

  #fail(error: UpstreamError): Reading {
    this.error ??= error
    return 'error'
  }
}

const terminalTypes = new Set(['response.completed', 'response.incomplete', 'response.failed', 'error'])

/** Numbers, booleans and short strings; lists and objects that a response must have are empty. */
function shortMembers(response: Wire): Wire {
  const entries = Object.entries(response).filter(
    ([, value]) => value === null || ['number', 'boolean'].includes(typeof value) || isShort(value),
  )
  return { instructions: null, metadata: {}, tools: [], tool_choice: 'auto', ...Object.fromEntries(entries) }
}

function isShort(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 1_024
}
