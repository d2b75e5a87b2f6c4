import { isWire, jsonText, listAt, textAt, type Wire } from '../reading.ts'

/** Plain text of everything generated in a whole message; legacy completions have `completion`. */
export function textOf(answer: unknown): string {
  let text = textAt(answer, 'completion')
  for (const block of listAt(answer, 'content')) {
    if (!isWire(block)) continue
    text += textAt(block, 'text') + textAt(block, 'thinking') + startOf(block)
    if (isCall(block)) text += jsonText(block.input)
  }
  return text
}

/** What the start of a block already generated: the tool's name. Its input follows in deltas. */
export function startOf(block: Wire): string {
  return isCall(block) ? textAt(block, 'name') : ''
}

/** `tool_use`, `server_tool_use`, `mcp_tool_use`. */
function isCall(block: Wire): boolean {
  return textAt(block, 'type').endsWith('tool_use')
}
