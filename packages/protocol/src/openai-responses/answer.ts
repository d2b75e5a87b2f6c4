import { isWire, jsonText, listAt, textAt, type Wire } from '../reading.ts'

/**
 * Plain text of everything generated in a whole response: messages, reasoning, tool names and what they were
 * called with.
 */
export function textOf(answer: unknown): string {
  let text = ''
  for (const item of listAt(answer, 'output')) {
    if (isWire(item)) text += itemText(item)
  }
  return text
}

/** What the start of an item already generated: the name of a tool. The rest follows in deltas. */
export function nameOf(item: Wire): string {
  return isCall(item) ? textAt(item, 'name') : ''
}

/** `function_call`, `custom_tool_call`, `web_search_call` and their like. */
export function isCall(item: Wire): boolean {
  return textAt(item, 'type').endsWith('_call')
}

/**
 * Members of a call that the model wrote; `action` and `operation` of shell, computer and patch calls are
 * objects.
 */
const callInputs = ['arguments', 'input', 'code', 'action', 'operation']

function itemText(item: Wire): string {
  return nameOf(item) + contentOf(item)
}

/** What an item holds beside its name. */
export function contentOf(item: Wire): string {
  let text = ''
  for (const part of listAt(item, 'summary')) text += textAt(part, 'text')
  for (const part of listAt(item, 'content')) text += textAt(part, 'text') + textAt(part, 'refusal')
  if (!isCall(item)) return text
  for (const key of callInputs) text += jsonText(item[key])
  return text
}
