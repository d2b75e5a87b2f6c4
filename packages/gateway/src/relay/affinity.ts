import { matchesPattern } from '@yumen/pricing'
import { type Member, ScanError, type ScanLimits, type Span, scanArray, scanObject } from '@yumen/protocol'
import type { AffinityRule } from '#config'
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

export interface AffinityAsk {
  readonly facts: Facts
  readonly target: Target
  /** Headers of the client. */
  readonly client: (name: string) => string | undefined
}

/** 32 bits that stay the same over the turns of a conversation; `undefined` where the request shows no sign of one. */
export function affinityOf(
  ask: AffinityAsk,
  rules: readonly AffinityRule[],
  limits: ScanLimits,
): number | undefined {
  const { facts, target, client } = ask
  if (target.operation !== 'chat' && target.operation !== 'completions') return undefined
  const named =
    namedByRule(ask, rules, limits) ??
    namedSession(facts, fields, limits) ??
    namedByHeader(client, sessionHeaders)
  return named === undefined ? hashOfPrefix(facts, limits) : hashText(named)
}

/** By the operator's rules: the first that fits and finds something. */
function namedByRule(
  { facts, target, client }: AffinityAsk,
  rules: readonly AffinityRule[],
  limits: ScanLimits,
): string | undefined {
  for (const { models, endpoints, fields: own = [], headers = [] } of rules) {
    if (models !== undefined && !models.some(pattern => matchesPattern(pattern, facts.model))) continue
    if (endpoints !== undefined && !endpoints.includes(target.endpoint)) continue
    const paths = own.map(field => field.split('.'))
    const found = namedSession(facts, paths, limits) ?? namedByHeader(client, headers)
    if (found !== undefined) return found
  }
  return undefined
}

function namedByHeader(client: AffinityAsk['client'], headers: readonly string[]): string | undefined {
  return headers.map(client).find(value => value !== undefined && value !== '')
}

function namedSession(
  { body, object }: Facts,
  paths: readonly (readonly string[])[],
  limits: ScanLimits,
): string | undefined {
  for (const path of paths) {
    const member = memberAt({ body, members: object.members }, path, limits)
    const found = member && textOf(body, member)
    if (found !== undefined) return `${path[0]} ${found}`
  }
  return undefined
}

function memberAt(
  { body, members }: { readonly body: Buffer; readonly members: readonly Member[] },
  [name, ...inner]: readonly string[],
  limits: ScanLimits,
): Member | undefined {
  const member = members.find(each => each.name === name)
  if (member === undefined || inner.length === 0) return member
  if (body[member.valueStart] !== openBrace) return undefined
  const object = orUndefined(() =>
    scanObject(body, limits, { start: member.valueStart, end: member.valueEnd }),
  )
  return object && memberAt({ body, members: object.members }, inner, limits)
}

/** A value as it is written: equal values of one client are written alike. */
function textOf(body: Buffer, { valueStart, valueEnd }: Member): string | undefined {
  const text = body.toString('utf8', valueStart, Math.min(valueEnd, valueStart + 512))
  return text === 'null' || text === '""' ? undefined : text
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
