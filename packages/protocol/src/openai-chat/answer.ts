import type { UpstreamError } from '../errors.ts'
import { isWire, jsonText, listAt, textAt, type Wire } from '../reading.ts'
import { findUpstreamError } from '../upstream-errors.ts'

/** Plain text of everything generated in a whole answer, of chat and of legacy completions. */
export function textOf(answer: unknown): string {
  let text = ''
  for (const choice of listAt(answer, 'choices')) {
    if (isWire(choice)) text += readChoice(choice) ?? ''
  }
  return text
}

/**
 * What one choice of an answer or chunk generated, as text; `undefined` when it generated nothing. Content
 * without text (audio, images, annotations) is the empty string.
 */
export function readChoice(choice: Wire): string | undefined {
  const own = textAt(choice, 'text')
  const part = choice.delta ?? choice.message
  const read = isWire(part) ? readMessage(part) : undefined
  return own === '' ? read : own + (read ?? '')
}

function readMessage(message: Wire): string | undefined {
  let text = reasoningOf(message) + contentOf(message.content) + textAt(message, 'refusal')
  let hasContent = text !== ''
  for (const call of listAt(message, 'tool_calls')) {
    hasContent = true
    text += callOf(call)
  }
  if (isWire(message.function_call)) {
    hasContent = true
    text += functionOf(message.function_call, 'arguments')
  }
  if (isWire(message.audio)) {
    hasContent = true
    text += textAt(message.audio, 'transcript')
  }
  hasContent ||= listAt(message, 'images').length > 0 || listAt(message, 'annotations').length > 0
  return hasContent ? text : undefined
}

/**
 * Vendors name it `reasoning_content` or `reasoning`, some send both; OpenRouter's details repeat it, so they
 * come last.
 */
function reasoningOf(message: Wire): string {
  const plain = textAt(message, 'reasoning_content') || textAt(message, 'reasoning')
  if (plain !== '') return plain
  let text = ''
  for (const detail of listAt(message, 'reasoning_details')) {
    text += textAt(detail, 'text') || textAt(detail, 'summary')
  }
  return text
}

/** A string, or Mistral's list of `text` and `thinking` parts. */
function contentOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  let text = ''
  for (const part of content) {
    text += textAt(part, 'text')
    for (const thought of listAt(part, 'thinking')) text += textAt(thought, 'text')
  }
  return text
}

function callOf(call: unknown): string {
  if (!isWire(call)) return ''
  if (isWire(call.function)) return functionOf(call.function, 'arguments')
  return isWire(call.custom) ? functionOf(call.custom, 'input') : ''
}

function functionOf(called: Wire, input: string): string {
  return textAt(called, 'name') + jsonText(called[input])
}

/**
 * Finish reasons by which vendors say that they failed (zhipu, deepseek, OpenRouter); conversion spec 4.6.
 */
const failures = new Set(['error', 'network_error', 'abort', 'insufficient_system_resource'])

/**
 * The error of a choice that ended in one; its class comes from its own error object, else from the finish
 * reason.
 */
export function failedFinish(choice: Wire): UpstreamError | undefined {
  const reason = choice.finish_reason
  if (typeof reason !== 'string' || !failures.has(reason)) return undefined
  const bare = { error: { code: reason, message: `the upstream ended the answer with '${reason}'` } }
  return findUpstreamError('openai-chat', choice) ?? findUpstreamError('openai-chat', bare)
}

/** The error of a whole answer of which every choice ended in one. */
export function failedFinishes(answer: unknown): UpstreamError | undefined {
  const errors = listAt(answer, 'choices').map(choice => (isWire(choice) ? failedFinish(choice) : undefined))
  return errors.every(error => error !== undefined) ? errors[0] : undefined
}
