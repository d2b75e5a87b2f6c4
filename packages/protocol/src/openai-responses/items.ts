import { textAt, type Wire, wireAt } from '../reading.ts'

/** Characters of items that are kept for an early end; beyond them an early end lists the items so far. */
const itemsCharsMax = 262_144

/** The output items of a response as they come, for a `response.failed` of our own: what was begun stays told. */
export class OutputItems {
  readonly #items = new Map<number, Wire>()
  readonly #texts = new Map<number, string>()
  #chars = 0

  /** Notes what one event says of an item; `type` is the event's. */
  note(message: Wire, type: string): void {
    const index = message.output_index
    if (typeof index !== 'number' || this.#chars > itemsCharsMax) return
    const item = wireAt(message, 'item')
    if (item !== undefined && type.startsWith('response.output_item.')) {
      this.#items.set(index, item)
      if (type.endsWith('.done')) this.#texts.delete(index)
      this.#chars += type.endsWith('.done') ? 0 : 256
    } else if (itemDeltas.has(type)) {
      const delta = textAt(message, 'delta')
      this.#texts.set(index, (this.#texts.get(index) ?? '') + delta)
      this.#chars += delta.length
    }
  }

  /** In output order; one that did not end has status `incomplete` and what came of it. */
  list(): Wire[] {
    return [...this.#items]
      .sort(([one], [other]) => one - other)
      .map(([index, item]) => {
        const text = this.#texts.get(index)
        const isOpen = text !== undefined || textAt(item, 'status') === 'in_progress'
        return isOpen ? { ...item, status: 'incomplete', ...partOf(item, text ?? '') } : item
      })
  }
}

const itemDeltas = new Set([
  'response.output_text.delta',
  'response.refusal.delta',
  'response.function_call_arguments.delta',
  'response.custom_tool_call_input.delta',
])

/** The member of an item that its deltas fill. */
function partOf(item: Wire, text: string): Wire {
  switch (textAt(item, 'type')) {
    case 'message':
      return { content: text === '' ? [] : [{ type: 'output_text', text, annotations: [] }] }
    case 'function_call':
      return { arguments: text }
    case 'custom_tool_call':
      return { input: text }
    default:
      return {}
  }
}
