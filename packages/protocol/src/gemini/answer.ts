import { isWire, jsonText, listAt, textAt, type Wire, wireAt } from '../reading.ts'

/**
 * Plain text of everything generated in a whole answer; a streamed one may come as the list of its objects.
 */
export function textOf(answer: unknown): string {
  let text = ''
  for (const object of Array.isArray(answer) ? answer : [answer]) {
    for (const candidate of listAt(object, 'candidates')) {
      if (isWire(candidate)) text += readCandidate(candidate) ?? ''
    }
  }
  return text
}

/**
 * What one candidate generated, as text; `undefined` when nothing. Media and tool results are the empty
 * string.
 */
export function readCandidate(candidate: Wire): string | undefined {
  let read: string | undefined
  for (const part of listAt(wireAt(candidate, 'content'), 'parts')) {
    const text = isWire(part) ? readPart(part) : undefined
    if (text !== undefined) read = (read ?? '') + text
  }
  return read
}

/** Members that make a part content though they hold no text that counts. */
const mediaKeys = ['inlineData', 'fileData', 'codeExecutionResult', 'toolCall', 'toolResponse']

function readPart(part: Wire): string | undefined {
  if (isWire(part.functionCall)) return callOf(part.functionCall)
  if (isWire(part.executableCode)) return textAt(part.executableCode, 'code')
  const text = textAt(part, 'text')
  if (text !== '') return text
  return mediaKeys.some(key => isWire(part[key])) ? '' : undefined
}

/** Arguments come whole; Vertex may stream them as `partialArgs`. */
function callOf(call: Wire): string {
  let text = textAt(call, 'name') + jsonText(call.args)
  for (const part of listAt(call, 'partialArgs')) {
    if (isWire(part)) text += jsonText(part.stringValue ?? part.numberValue ?? part.boolValue)
  }
  return text
}
