/** Strings that are data and not words: images and files in base64. */
const dataString = /^data:|^[A-Za-z0-9+/]{512,}={0,2}$/

/** Everything a model reads of a request body: its texts, tool names and schemas, line by line. What is no JSON is itself. */
export function textOfBody(text: string): string {
  if (!text.startsWith('{')) return text
  const lines: string[] = []
  try {
    collect(JSON.parse(text), lines)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
  return lines.join('\n')
}

/** Members that steer the call and are not read by the model. */
const steering = new Set([
  'model',
  'type',
  'id',
  'tool_call_id',
  'tool_use_id',
  'call_id',
  'encoding_format',
  'user',
  'mime_type',
  'mimeType',
])

/** Depth is bounded by what the parser accepted; the walk keeps its own stack. */
function collect(root: unknown, lines: string[]): void {
  const stack: unknown[] = [root]
  while (stack.length > 0) {
    const value = stack.pop()
    if (typeof value === 'string') {
      if (!dataString.test(value)) lines.push(value)
    } else if (Array.isArray(value)) {
      for (let index = value.length - 1; index >= 0; index--) stack.push(value[index])
    } else if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).filter(([name]) => !steering.has(name))
      for (const [name, inner] of entries.reverse()) {
        stack.push(inner)
        if (typeof inner === 'object') stack.push(name)
      }
    }
  }
}
