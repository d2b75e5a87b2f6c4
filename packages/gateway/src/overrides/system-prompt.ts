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
  if (own === undefined) return [insertFirst(body, messages, { role: 'system', content: prompt.text })]
  const content = find(own, 'content')
  if (content === undefined || isNothing(body, content))
    return [setOrAdd(own, content, ['content', prompt.text])]
  return prompt.prepends
    ? prependContent(body, content, { text: prompt.text, block: textBlock(prompt.text) })
    : []
}

function intoInstructions(prompt: SystemPrompt, body: ScannedBody): Edit[] {
  const instructions = find(body.object, 'instructions')
  if (instructions !== undefined && !isNothing(body, instructions)) {
    return prompt.prepends ? prependContent(body, instructions, { text: prompt.text, block: undefined }) : []
  }
  const input = find(body.object, 'input')
  const own =
    input !== undefined && first(body, input) === '[' ? findSystemMessage(body, spanOf(input)) : undefined
  if (own !== undefined && !isSilent(body, own) && !prompt.prepends) return []
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
  const spellings = [find(object, 'systemInstruction'), find(object, 'system_instruction')].filter(isThere)
  const own = spellings.find(member => !isNothing(body, member)) ?? spellings[0]
  const content = { parts: [{ text: prompt.text }] }
  if (own === undefined || isNothing(body, own))
    return [setOrAdd(object, own, ['systemInstruction', content])]
  if (!prompt.prepends || first(body, own) !== '{') return []
  const inner = scanObject(body.bytes, body.limits, spanOf(own))
  const parts = find(inner, 'parts')
  if (parts === undefined) return [addMembers(inner, content)]
  return prependPart(body, parts, prompt.text)
}

/** Google takes one part for a list of it. Parts follow each other without a sign between them, so the break is the prompt's. */
function prependPart(body: ScannedBody, parts: Member, text: string): Edit[] {
  const part = { text: `${text}\n` }
  const kind = first(body, parts)
  if (kind === '[') return [insertFirst(body, parts, part)]
  if (kind !== '{') return []
  const { valueStart, valueEnd } = parts
  return [
    { start: valueStart, end: valueStart, text: `[${JSON.stringify(part)},` },
    { start: valueEnd, end: valueEnd, text: ']' },
  ]
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
  return kind === '[' && block !== undefined ? [insertFirst(body, content, block)] : []
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

/** The first message of the system, or of the developer, who speaks in its place to newer models; one that says nothing only for want of others. */
function findSystemMessage(body: ScannedBody, span: Span): ScannedObject | undefined {
  const { bytes, limits } = body
  let silent: ScannedObject | undefined
  for (const element of scanArray(bytes, limits, span)) {
    if (bytes[element.start] !== openBrace) continue
    const message = scanObject(bytes, limits, element)
    const role = find(message, 'role')
    if (role === undefined) continue
    const name = bytes.toString('utf8', role.valueStart, role.valueEnd)
    if (name !== '"system"' && name !== '"developer"') continue
    if (!isSilent(body, message)) return message
    silent ??= message
  }
  return silent
}

function isSilent(body: ScannedBody, message: ScannedObject): boolean {
  const content = find(message, 'content')
  return content === undefined || isNothing(body, content)
}

const openBrace = 0x7b

/** Of repeated members the last one, as parsers have it. */
const find = (object: ScannedObject, name: string) => object.members.findLast(member => member.name === name)
const spanOf = ({ valueStart, valueEnd }: Member): Span => ({ start: valueStart, end: valueEnd })
const first = ({ bytes }: ScannedBody, { valueStart }: Member) => String.fromCharCode(bytes[valueStart] ?? 0)

const isThere = (member: Member | undefined) => member !== undefined

/** What says nothing, as text, list or part: `null`, an empty text, `[]`, `[{"type":"text","text":""}]`, `{"parts":[]}`. */
function isNothing(body: ScannedBody, member: Member): boolean {
  return saysNothing(body, spanOf(member))
}

function saysNothing(body: ScannedBody, span: Span): boolean {
  const { bytes, limits } = body
  switch (String.fromCharCode(bytes[span.start] ?? 0)) {
    case 'n':
      return true
    case '"':
      return span.end - span.start === 2
    case '[':
      return scanArray(bytes, limits, span).every(element => saysNothing(body, element))
    case '{':
      return scanObject(bytes, limits, span).members.every(
        member => labels.has(member.name) || (texts.has(member.name) && isNothing(body, member)),
      )
    default:
      return false
  }
}

/** Members that say what a part is, and those that hold what it says. */
const labels: ReadonlySet<string> = new Set(['type', 'role', 'cache_control'])
const texts: ReadonlySet<string> = new Set(['text', 'parts'])
