import { isList, isObject, type JsonObject, objectsIn, textOr } from '../json.ts'
import { describeBase64 } from '../media.ts'
import { refuse } from '../refusal.ts'
import { isSignature } from '../signature.ts'

export interface Turns {
  readonly endsWithToolResult: boolean
  readonly lastUserText: string
  readonly images: readonly string[]
}

/** Checks roles, blocks, signatures, and that calls and results of neighbouring turns pair up. */
export function readTurns(value: unknown): Turns {
  if (value === undefined) refuse('messages: Field required')
  if (!isList(value)) refuse('messages: Input should be a valid list')
  if (value.length === 0) refuse('messages: at least one message is required')
  const images: string[] = []
  let lastUserText = ''
  const turns = value.map((turn, index) => {
    if (!isObject(turn)) refuse(`messages.${index}: Input should be a valid dictionary`)
    checkRole(turn, index)
    const text = readContent(turn.content, `messages.${index}.content`, images)
    if (turn.role === 'user' && text !== '') lastUserText = text
    return turn
  })
  checkPairs(turns)
  const last = objectsIn(turns.at(-1)?.content)
  return { endsWithToolResult: last.some(block => block.type === 'tool_result'), lastUserText, images }
}

function checkRole(turn: JsonObject, index: number): void {
  const { role } = turn
  if (role === 'system' && index === 0) {
    refuse(
      'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, ' +
        'not "system" as an input message role.',
    )
  }
  if (role !== 'user' && role !== 'assistant' && role !== 'system') {
    refuse(`messages.${index}.role: Input should be 'user' or 'assistant'`)
  }
  if (index === 0 && role !== 'user') refuse('messages: first message must use the "user" role')
}

function readContent(content: unknown, place: string, images: string[]): string {
  if (typeof content === 'string') {
    if (content.trim() === '') refuse(`${place}: text content must be non-empty`)
    return content
  }
  if (!isList(content)) refuse(`${place}: Field required`)
  return content.map((block, index) => readBlock(block, `${place}.${index}`, images)).join('')
}

function readBlock(block: unknown, place: string, images: string[]): string {
  if (!isObject(block)) refuse(`${place}: Input should be a valid dictionary`)
  switch (block.type) {
    case 'text':
      if (typeof block.text !== 'string') refuse(`${place}.text.text: Field required`)
      if (block.text.trim() === '') refuse(`messages: text content blocks must be non-empty`)
      return block.text
    case 'image':
      images.push(describeSource(block.source, `${place}.image.source`))
      return ''
    case 'tool_use':
      checkId(block.id, `${place}.tool_use.id`)
      if (!isObject(block.input)) refuse(`${place}.tool_use.input: Input should be a valid dictionary`)
      return ''
    case 'tool_result':
      checkId(block.tool_use_id, `${place}.tool_result.tool_use_id`)
      if (isList(block.content)) readContent(block.content, `${place}.tool_result.content`, images)
      return ''
    case 'thinking':
      checkThinking(block, place)
      return ''
    default:
      if (typeof block.type !== 'string') refuse(`${place}.type: Field required`)
      return ''
  }
}

function describeSource(source: unknown, place: string): string {
  if (!isObject(source)) refuse(`${place}: Field required`)
  if (source.type === 'url') return textOr(source.url, '')
  if (source.type === 'file') return textOr(source.file_id, '')
  if (source.type !== 'base64')
    refuse(
      `${place}: Input tag '${source.type}' does not match any of the expected tags: 'base64', 'url', 'file'`,
    )
  return describeBase64(source.media_type, source.data, `${place}.base64`)
}

function checkId(id: unknown, place: string): void {
  if (typeof id !== 'string') refuse(`${place}: Field required`)
  if (!/^[a-zA-Z0-9_-]+$/.test(id)) refuse(`${place}: String should match pattern '^[a-zA-Z0-9_-]+$'`)
}

function checkThinking(block: JsonObject, place: string): void {
  if (typeof block.signature !== 'string') refuse(`${place}.thinking.signature: Field required`)
  if (!isSignature(block.signature, textOr(block.thinking, ''))) {
    refuse(`${place}: Invalid \`signature\` in \`thinking\` block`)
  }
}

/** Each call is answered in the next turn, and nothing is answered that was not called there. */
function checkPairs(turns: readonly JsonObject[]): void {
  const merged = mergeTurns(turns)
  merged.forEach((turn, index) => {
    const called = idsIn(merged[index - 1], 'tool_use', 'id')
    const answered = idsIn(turn, 'tool_result', 'tool_use_id')
    for (const id of answered) {
      if (called.includes(id)) continue
      refuse(
        `messages.${index}.content: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. ` +
          'Each `tool_result` block must have a corresponding `tool_use` block in the previous message.',
      )
    }
    checkAnswered(called, { answered, index })
  })
  checkAnswered(idsIn(merged.at(-1), 'tool_use', 'id'), { answered: [], index: merged.length })
}

interface MergedTurn {
  readonly role: unknown
  readonly blocks: readonly JsonObject[]
}

/** Turns of one role in a row are one turn to the server. */
function mergeTurns(turns: readonly JsonObject[]): readonly MergedTurn[] {
  const merged: MergedTurn[] = []
  for (const { role, content } of turns) {
    const last = merged.at(-1)
    const blocks = objectsIn(content)
    if (last === undefined || last.role !== role) merged.push({ role, blocks })
    else merged.splice(-1, 1, { role, blocks: [...last.blocks, ...blocks] })
  }
  return merged
}

function idsIn(turn: MergedTurn | undefined, type: string, member: string): readonly unknown[] {
  return (turn?.blocks ?? []).filter(block => block.type === type).map(block => block[member])
}

interface Answers {
  readonly answered: readonly unknown[]
  readonly index: number
}

function checkAnswered(called: readonly unknown[], { answered, index }: Answers): void {
  const missing = called.filter(id => !answered.includes(id))
  if (missing.length === 0) return
  refuse(
    `messages.${index - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
      `${missing.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block ` +
      'in the next message.',
  )
}
