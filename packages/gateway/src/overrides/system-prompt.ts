import {
  addMembers,
  type DialectName,
  type Edit,
  type Member,
  type ScanLimits,
  type ScannedObject,
  type Span,
  scanArray,
  scanObject,
  setMember,
} from '@yumen/protocol'

/** A channel's `system_prompt`: where the request has none; with `system_prompt_override` also before the one that it has. */
export interface SystemPrompt {
  readonly text: string
  readonly prepends: boolean
}

/** A body as it was scanned. */
export interface ScannedBody {
  readonly bytes: Buffer
  readonly object: ScannedObject
  readonly limits: ScanLimits
}

/**
 * The edits that bring the prompt into a body of the dialect. Nothing around them is touched: blocks keep their
 * `cache_control`, and a body of another shape than the dialect's stays as it is, for the upstream to refuse.
 * @throws ScanError
 */
export function systemPromptEdits(dialect: DialectName, prompt: SystemPrompt, body: ScannedBody): Edit[] {
  return writers[dialect](prompt, body)
}

const writers = {
  'openai-chat': intoMessages,
  'openai-responses': intoInstructions,
  anthropic: intoSystem,
  gemini: intoSystemInstruction,
} as const satisfies Record<DialectName, (prompt: SystemPrompt, body: ScannedBody) => Edit[]>

function intoMessages(prompt: SystemPrompt, body: ScannedBody): Edit[] {
  const messages = find(body.object, 'messages')
  if (messages === undefined || first(body, messages) !== '[') return []
  const own = findSystemMessage(body, spanOf(messages))
  if (own !== undefined) {
    const content = find(own, 'content')
    if (!prompt.prepends) return []
    return content === undefined
      ? [addMembers(own, { content: prompt.text })]
      : prependContent(body, content, { text: prompt.text, block: textBlock(prompt.text) })
  }
  return [insertFirst(body, messages, { role: 'system', content: prompt.text })]
}

function intoInstructions(prompt: SystemPrompt, body: ScannedBody): Edit[] {
  const instructions = find(body.object, 'instructions')
  if (instructions !== undefined && !isNothing(body, instructions)) {
    return prompt.prepends ? prependContent(body, instructions, { text: prompt.text, block: undefined }) : []
  }
  const input = find(body.object, 'input')
  const hasOwn =
    input !== undefined && first(body, input) === '[' && findSystemMessage(body, spanOf(input)) !== undefined
  if (hasOwn && !prompt.prepends) return []
  return [setOrAdd(body.object, instructions, ['instructions', prompt.text])]
}

function intoSystem(prompt: SystemPrompt, body: ScannedBody): Edit[] {
  const system = find(body.object, 'system')
  if (system === undefined || isNothing(body, system))
    return [setOrAdd(body.object, system, ['system', prompt.text])]
  return prompt.prepends
    ? prependContent(body, system, { text: prompt.text, block: textBlock(prompt.text) })
    : []
}

/** A request on cached content may have no system instruction: the cache has its own. */
function intoSystemInstruction(prompt: SystemPrompt, body: ScannedBody): Edit[] {
  const { object } = body
  if ((find(object, 'cachedContent') ?? find(object, 'cached_content')) !== undefined) return []
  const own = find(object, 'systemInstruction') ?? find(object, 'system_instruction')
  const content = { parts: [{ text: prompt.text }] }
  if (own === undefined || isNothing(body, own))
    return [setOrAdd(object, own, ['systemInstruction', content])]
  if (!prompt.prepends || first(body, own) !== '{') return []
  const inner = scanObject(body.bytes, body.limits, spanOf(own))
  const parts = find(inner, 'parts')
  if (parts === undefined) return [addMembers(inner, content)]
  // Parts follow each other without a sign between them, so the break is the prompt's.
  return first(body, parts) === '[' ? [insertFirst(body, parts, { text: `${prompt.text}\n` })] : []
}

/** A text gets the prompt as its first line, a list its own first block. */
function prependContent(
  body: ScannedBody,
  content: Member,
  { text, block }: { readonly text: string; readonly block: unknown },
): Edit[] {
  const kind = first(body, content)
  if (kind === '"') {
    const at = content.valueStart + 1
    return [{ start: at, end: at, text: JSON.stringify(`${text}\n`).slice(1, -1) }]
  }
  if (kind === '[' && block !== undefined) return [insertFirst(body, content, block)]
  return kind === 'n' ? [setMember(content, text)] : []
}

const textBlock = (text: string) => ({ type: 'text', text })

function insertFirst({ bytes, limits }: ScannedBody, list: Member, element: unknown): Edit {
  const at = list.valueStart + 1
  const isEmpty = scanArray(bytes, limits, spanOf(list)).next().done === true
  return { start: at, end: at, text: `${JSON.stringify(element)}${isEmpty ? '' : ','}` }
}

function setOrAdd(
  object: ScannedObject,
  member: Member | undefined,
  [name, value]: readonly [string, unknown],
): Edit {
  return member === undefined ? addMembers(object, { [name]: value }) : setMember(member, value)
}

/** The first message of the system, or of the developer, who speaks in its place to newer models. */
function findSystemMessage({ bytes, limits }: ScannedBody, span: Span): ScannedObject | undefined {
  for (const element of scanArray(bytes, limits, span)) {
    if (bytes[element.start] !== openBrace) continue
    const message = scanObject(bytes, limits, element)
    const role = find(message, 'role')
    if (role === undefined) continue
    const name = bytes.toString('utf8', role.valueStart, role.valueEnd)
    if (name === '"system"' || name === '"developer"') return message
  }
  return undefined
}

const openBrace = 0x7b

/** Of repeated members the last one, as parsers have it. */
const find = (object: ScannedObject, name: string) => object.members.findLast(member => member.name === name)
const spanOf = ({ valueStart, valueEnd }: Member): Span => ({ start: valueStart, end: valueEnd })
const first = ({ bytes }: ScannedBody, { valueStart }: Member) => String.fromCharCode(bytes[valueStart] ?? 0)

/** `null`, an empty text, an empty list. */
function isNothing({ bytes }: ScannedBody, { valueStart, valueEnd }: Member): boolean {
  return /^(null|""|\[\s*\]|\{\s*\})$/.test(
    bytes.toString('utf8', valueStart, Math.min(valueEnd, valueStart + 64)),
  )
}
