import type { Reading, StreamTap } from '../dialect.ts'
import type { UpstreamError } from '../errors.ts'
import { isWire, parseJson, textAt, type Wire, wireAt } from '../reading.ts'
import { TextTemplate } from '../text-template.ts'
import { findUpstreamError, parseUpstreamError, protocolError } from '../upstream-errors.ts'
import type { Usage } from '../usage.ts'
import { startOf } from './answer.ts'
import { mergeUsage, parseUsage } from './usage.ts'

/** A message is one choice, whatever was asked. */
export function tap(_choices: number): StreamTap {
  return new MessageTap()
}

/**
 * Reads the events of a message stream: `message_start`, blocks, `message_delta`, `message_stop`. Unknown
 * events and block types never fail it. Source: docs.anthropic.com, "Streaming messages";
 * `MessageStreamEvent` of the SDK 1.13.
 */
export class MessageTap implements StreamTap {
  text = ''
  error: UpstreamError | undefined
  isFinished = false
  /** The block that was started and not stopped; `undefined` between blocks. */
  openBlock: number | undefined
  #usage: Wire | undefined
  /** Whether a `message_delta` came. Before it the usage is the beginning's: one token of output, whatever was said. */
  #hasSummary = false
  readonly #template = new TextTemplate()

  get usage(): Usage | undefined {
    return parseUsage(this.#usage)
  }

  read(data: string, event: string): Reading {
    const more = this.#template.match(event, data)
    if (more === undefined) return this.#parse(data, event)
    this.text += more
    return this.#calm('content')
  }

  #parse(data: string, event: string): Reading {
    if (data.startsWith('[DONE]')) return 'end'
    const message = parseJson(data)
    if (event === 'error') return this.#fail(parseUpstreamError('anthropic', 200, message ?? data))
    if (message === undefined) {
      if (data.trim() === '') return this.#calm('prelude')
      return this.#fail(protocolError(`an event of ${data.length} characters is not JSON`))
    }
    const error = findUpstreamError('anthropic', message)
    if (error) return this.#fail(error)
    if (!isWire(message)) return this.#calm('prelude')
    const type = textAt(message, 'type') || event
    const reading = this.#readEvent(message, type)
    if (reading === 'content' && type === 'content_block_delta') this.#learn(message, data, event)
    return reading
  }

  /** The next delta is likely to differ in its text alone. */
  #learn(message: Wire, data: string, event: string): void {
    const delta = wireAt(message, 'delta')
    const key = deltaKeys.get(textAt(delta, 'type'))
    if (key !== undefined) this.#template.learn(event, data, key, textAt(delta, key))
  }

  #readEvent(message: Wire, type: string): Reading {
    switch (type) {
      case 'message_start':
        this.#note(wireAt(wireAt(message, 'message'), 'usage'))
        return this.#calm('prelude')
      case 'content_block_start':
        this.openBlock = typeof message.index === 'number' ? message.index : undefined
        return this.#calm(this.#readStart(wireAt(message, 'content_block')))
      case 'content_block_delta':
        return this.#calm(this.#readDelta(wireAt(message, 'delta')))
      case 'content_block_stop':
        this.openBlock = undefined
        return this.#calm('prelude')
      case 'message_delta':
        this.#hasSummary = true
        this.#note(wireAt(message, 'usage'))
        if (textAt(message.delta, 'stop_reason') !== '') this.isFinished = true
        return this.#calm('prelude')
      case 'message_stop':
        return this.#hasSummary
          ? 'end'
          : this.#fail(protocolError('the message ended without a message_delta'))
      default:
        return this.#calm('prelude')
    }
  }

  /** Text and thinking begin empty; tools and the results of server tools are content from their start. */
  #readStart(block: Wire | undefined): Reading {
    if (!block) return 'prelude'
    const text = textAt(block, 'text') + textAt(block, 'thinking') + startOf(block)
    this.text += text
    return text !== '' || /tool_(?:use|result)$/.test(textAt(block, 'type')) ? 'content' : 'prelude'
  }

  /** An empty delta of text or input carries nothing; signatures, citations and what is new do. */
  #readDelta(delta: Wire | undefined): Reading {
    if (!delta) return 'prelude'
    const type = textAt(delta, 'type')
    const key = deltaKeys.get(type)
    if (key === undefined) return type === '' ? 'prelude' : 'content'
    const text = textAt(delta, key)
    this.text += text
    return text === '' ? 'prelude' : 'content'
  }

  #note(usage: Wire | undefined): void {
    if (usage) this.#usage = mergeUsage(this.#usage, usage)
  }

  /** What an event means on its own, or `finish` once the stop reason was seen. */
  #calm(reading: Reading): Reading {
    return this.isFinished ? 'finish' : reading
  }

  #fail(error: UpstreamError): Reading {
    this.error ??= error
    return 'error'
  }
}

/** The member of each kind of delta that holds generated text. */
const deltaKeys = new Map([
  ['text_delta', 'text'],
  ['thinking_delta', 'thinking'],
  ['input_json_delta', 'partial_json'],
  ['compaction_delta', 'content'],
])
