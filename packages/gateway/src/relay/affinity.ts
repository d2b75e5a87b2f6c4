import { type Member, ScanError, type ScanLimits, type Span, scanArray, scanObject } from '@yumen/protocol'
import { hashText } from '#routing'
import type { Target } from './route.ts'
import type { Facts } from './scan.ts'

/**
 * Members that the protocols themselves name for it, the most telling first: cache keys, conversations, then the user. Sources:
 * platform.openai.com "Prompt caching" and "Conversation state"; docs.anthropic.com "Messages" (`metadata.user_id`);
 * ai.google.dev "Context caching".
 */
const fields: readonly (readonly string[])[] = [
  ['prompt_cache_key'],
  ['conversation'],
  ['cachedContent'],
  ['cached_content'],
  ['metadata', 'user_id'],
  ['safety_identifier'],
  ['user'],
]
/** Headers by which coding agents name their session. */
const sessionHeaders = ['session_id', 'session-id', 'x-session-id']
/** What stands before the turns of a conversation and stays the same through them. */
const prefixMembers = ['system', 'instructions', 'systemInstruction', 'system_instruction', 'tools']
const turnMembers = ['messages', 'contents', 'input']
/** Below some 512 tokens no provider caches anything: such a prompt is sent anywhere, unless it belongs to a conversation. */
const prefixBytesMin = 2_048

/** 32 bits that stay the same over the turns of a conversation; `undefined` where the request shows no sign of one. */
export function affinityOf(
  facts: Facts,
  target: Target,
  client: (name: string) => string | undefined,
  limits: ScanLimits,
): number | undefined {
  if (target.operation !== 'chat' && target.operation !== 'completions') return undefined
  const named = namedSession(facts, limits) ?? sessionHeaders.map(client).find(value => value !== undefined)
  if (named !== undefined && named !== '') return hashText(named)
  return hashOfPrefix(facts, limits)
}

function namedSession(facts: Facts, limits: ScanLimits): string | undefined {
  for (const [name, inner] of fields) {
    const member = facts.object.members.find(each => each.name === name)
    if (member === undefined) continue
    const found =
      inner === undefined ? textOf(facts.body, member) : innerText(facts.body, member, inner, limits)
    if (found !== undefined && found !== '') return `${name} ${found}`
  }
  return undefined
}

/** A value as it is written: equal values of one client are written alike. */
function textOf(body: Buffer, { valueStart, valueEnd }: Member): string | undefined {
  const text = body.toString('utf8', valueStart, Math.min(valueEnd, valueStart + 512))
  return text === 'null' || text === '""' ? undefined : text
}

function innerText(
  body: Buffer,
  { valueStart, valueEnd }: Member,
  name: string,
  limits: ScanLimits,
): string | undefined {
  if (body[valueStart] !== openBrace) return undefined
  const object = orUndefined(() => scanObject(body, limits, { start: valueStart, end: valueEnd }))
  const member = object?.members.find(each => each.name === name)
  return member && textOf(body, member)
}

/** System prompt, tools and the first turn of the user: what every later turn repeats byte for byte. */
function hashOfPrefix({ body, object }: Facts, limits: ScanLimits): number | undefined {
  const pieces = object.members.filter(({ name }) => prefixMembers.includes(name)).map(spanOf)
  const turns = object.members.find(({ name }) => turnMembers.includes(name))
  const isList = turns !== undefined && body[turns.valueStart] === openBracket
  const beginning = isList ? orUndefined(() => readBeginning(body, spanOf(turns), limits)) : noTurns
  if (beginning === undefined) return undefined
  pieces.push(...beginning.turns)
  const bytes = pieces.reduce((sum, { start, end }) => sum + end - start, 0)
  if (!beginning.isConversation && bytes < prefixBytesMin) return undefined
  return hashText(
    pieces
      .map(({ start, end }) => body.toString('latin1', start, Math.min(end, start + hashedBytesMax)))
      .join('\n'),
  )
}

const spanOf = ({ valueStart, valueEnd }: Member): Span => ({ start: valueStart, end: valueEnd })

/** Of one piece; long system prompts differ early or are the same. */
const hashedBytesMax = 16_384

interface Beginning {
  /** Up to the first of the user. */
  readonly turns: readonly Span[]
  /** Whether the model has answered one. */
  readonly isConversation: boolean
}

const noTurns: Beginning = { turns: [], isConversation: false }

/** A conversation shows within its first turns; the many behind them are not looked at. */
const turnsMax = 16

function readBeginning(body: Buffer, list: Span, limits: ScanLimits): Beginning {
  const turns: Span[] = []
  let seen = 0
  let hasUser = false
  for (const turn of scanArray(body, limits, list)) {
    const role = roleOf(body, turn)
    if (role === 'assistant' || role === 'model') return { turns, isConversation: true }
    if (!hasUser) turns.push(turn)
    hasUser ||= role === 'user'
    if (++seen === turnsMax) break
  }
  return { turns, isConversation: false }
}

/** The role of a turn, by the bytes of its first members or its last one: no value is built for it. */
function roleOf(body: Buffer, { start, end }: Span): string | undefined {
  const head = body.toString('latin1', start, Math.min(end, start + 4_096))
  const at = head.indexOf('"role"')
  const text = at < 0 ? body.toString('latin1', Math.max(start, end - 64), end) : head.slice(at, at + 40)
  return roleMember.exec(text)?.[1]
}

const roleMember = /"role"\s*:\s*"([a-z]+)"/

const [openBrace, openBracket] = [0x7b, 0x5b]

/** What the scan cannot follow shows no sign of a conversation. */
function orUndefined<Found>(find: () => Found): Found | undefined {
  try {
    return find()
  } catch (error) {
    if (error instanceof ScanError) return undefined
    throw error
  }
}
