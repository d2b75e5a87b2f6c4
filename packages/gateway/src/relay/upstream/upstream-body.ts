import {
  addMembers,
  applyEdits,
  type Edit,
  type Member,
  removeMembers,
  ScanError,
  type ScanLimits,
  type Span,
  scanArray,
  scanObject,
  setMember,
} from '@yumen/protocol'
import type { Ask, MemberEdit } from '@yumen/providers'
import type { Candidate } from '#routing'
import { GatewayError } from '../gateway-error.ts'
import { foldName, geminiRequestKeys, governingKeys, isPromptName } from '../incoming/governing.ts'
import type { Target } from '../route.ts'
import { type Facts, findGoverning } from '../scan.ts'

/** A request body as it goes to one upstream: the client's bytes but for the edits. */
export interface UpstreamBody {
  readonly pieces: readonly Buffer[]
  readonly length: number
  /** Usage was asked for on the client's behalf, so it is hidden from the client. */
  readonly hidesUsage: boolean
  /** Members that this channel does not pass on. */
  readonly removed: readonly string[]
  /** Headers that the channel's settings set in this attempt, by lower-case names. */
  readonly headers?: ReadonlyMap<string, string> | undefined
  /** The model in the body and the number of answers, where the channel's settings may have changed them. */
  readonly model?: string
  readonly choices?: number
}

/** Members that cost more, tell more or keep more than the operator may want: passed on only when the channel says so. */
const guardedMembers: Readonly<Record<string, (settings: Settings) => boolean>> = {
  service_tier: settings => settings['allow_service_tier'] !== true,
  inference_geo: settings => settings['allow_inference_geo'] !== true,
  speed: settings => settings['allow_speed'] !== true,
  safety_identifier: settings => settings['allow_safety_identifier'] !== true,
  store: settings => settings['disable_store'] === true,
}

type Settings = Readonly<Record<string, unknown>>

/** The client's body with this candidate's edits: model name, usage of streams, guarded members, the provider's own. */
export function buildUpstreamBody(
  facts: Facts,
  target: Target,
  { candidate, ask, mayAskUsage }: { candidate: Candidate; ask: Ask; mayAskUsage: boolean },
  limits: ScanLimits,
): UpstreamBody {
  const { channel, upstreamModel } = candidate
  const rules = channel.provider.edits?.(ask)
  const edits: Edit[] = []
  if (target.dialect === 'gemini') edits.push(...geminiModelEdits(facts, upstreamModel, limits))
  // A provider that writes the model in a way of its own does so from the same upstream model.
  else if (rules?.['model'] === undefined) edits.push(...modelEdits(facts, upstreamModel))
  const removed = new Set<string>()
  if (target.operation === 'chat' && target.dialect !== 'gemini') {
    for (const member of facts.object.members) {
      if (Object.hasOwn(guardedMembers, member.name) && guardedMembers[member.name]?.(channel.settings))
        removed.add(member.name)
    }
  }
  const usage = mayAskUsage ? askForUsage(facts, target, candidate) : { edits: [], hidesUsage: false }
  edits.push(...usage.edits, ...providerEdits({ facts, target, removed }, rules))
  const guarded = [...removed]
  if (removed.size > 0) edits.push(...removeMembers(facts.object, member => removed.has(member.name)))
  const pieces = applyEdits(facts.body, edits)
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return { pieces, length, hidesUsage: usage.hidesUsage, removed: guarded }
}

/** The model that was scanned is the one that is written, in our own bytes unless the client's are the same. */
function modelEdits(facts: Facts, upstreamModel: string): Edit[] {
  const member = facts.governing.get('model')
  if (member === undefined) return [addMembers(facts.object, { model: upstreamModel })]
  return isWritten(facts.body, member, upstreamModel) ? [] : [setMember(member, upstreamModel)]
}

function isWritten(body: Buffer, member: Member, value: string): boolean {
  return (
    !member.isEscaped && body.toString('utf8', member.valueStart, member.valueEnd) === JSON.stringify(value)
  )
}

/** Google has the model in the path; bodies of counting and embedding repeat it, and must not name another one. */
function geminiModelEdits(facts: Facts, upstreamModel: string, limits: ScanLimits): Edit[] {
  const edits: Edit[] = []
  const name = `models/${upstreamModel}`
  const own = facts.governing.get('model')
  if (own !== undefined) edits.push(...geminiNameEdit(facts, own, name))
  try {
    for (const span of nestedRequests(facts, limits)) {
      const nested = scanObject(facts.body, limits, span)
      const member = findGoverning(nested, geminiRequestKeys, 'requests.').get('model')
      if (member !== undefined) edits.push(...geminiNameEdit(facts, member, name))
    }
  } catch (error) {
    if (!(error instanceof ScanError || error instanceof SyntaxError)) throw error
    throw new GatewayError('invalid_request', `the body is not valid JSON: ${error.message}`)
  }
  return edits
}

function* nestedRequests(facts: Facts, limits: ScanLimits): Generator<Span, undefined> {
  for (const { name, valueStart, valueEnd } of facts.object.members) {
    const span = { start: valueStart, end: valueEnd }
    if (name === 'generateContentRequest' || name === 'generate_content_request') yield span
    if (name === 'requests') yield* scanArray(facts.body, limits, span)
  }
  return undefined
}

function geminiNameEdit(facts: Facts, member: Member, name: string): Edit[] {
  const written: unknown = JSON.parse(facts.body.toString('utf8', member.valueStart, member.valueEnd))
  const bare = typeof written === 'string' ? written.replace(/^models\//, '') : undefined
  if (bare !== facts.model) {
    throw new GatewayError('invalid_request', 'a model in the body is not the one in the address', {
      param: 'model',
    })
  }
  return isWritten(facts.body, member, name) || isWritten(facts.body, member, name.slice('models/'.length))
    ? []
    : [setMember(member, name)]
}

/** A stream's usage is always asked for where the provider can give it; what the client said about it decides what it sees. */
function askForUsage(
  facts: Facts,
  target: Target,
  { channel }: Candidate,
): { edits: Edit[]; hidesUsage: boolean } {
  const canAsk =
    facts.isStreaming &&
    target.dialect === 'openai-chat' &&
    target.operation !== 'embeddings' &&
    target.operation !== 'moderations' &&
    channel.provider.traits.asksStreamUsage
  const member = facts.object.members.find(({ name }) => name === 'stream_options')
  if (!canAsk) return { edits: [], hidesUsage: false }
  if (member === undefined)
    return {
      edits: [addMembers(facts.object, { stream_options: { include_usage: true } })],
      hidesUsage: true,
    }
  const options = parseStreamOptions(facts.body, member)
  const { include_obfuscation: obfuscation, ...kept } = options
  const wanted =
    channel.settings['allow_include_obfuscation'] === true && obfuscation !== undefined ? options : kept
  if (options['include_usage'] === true && wanted === kept && obfuscation === undefined)
    return { edits: [], hidesUsage: false }
  return {
    edits: [setMember(member, { ...wanted, include_usage: true })],
    hidesUsage: options['include_usage'] !== true,
  }
}

function parseStreamOptions(body: Buffer, member: Member): Readonly<Record<string, unknown>> {
  const value: unknown = parseMember(body, member)
  if (value === null) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return { ...value }
  throw new GatewayError('invalid_request', 'stream_options must be an object', { param: 'stream_options' })
}

interface Editing {
  readonly facts: Facts
  readonly target: Target
  /** Members that go as a whole; grows. */
  readonly removed: Set<string>
}

function providerEdits(
  { facts, target, removed }: Editing,
  rules: Readonly<Record<string, (value: unknown) => MemberEdit>> | undefined,
): Edit[] {
  if (rules === undefined) return []
  const edits: Edit[] = []
  for (const member of facts.object.members) {
    const rule = Object.hasOwn(rules, member.name) ? rules[member.name] : undefined
    if (rule === undefined || removed.has(member.name)) continue
    const value = parseMember(facts.body, member)
    const edit = rule(value)
    if (edit.kind === 'set') edits.push(setMember(member, edit.value))
    if (edit.kind === 'remove') removed.add(member.name)
    if (edit.kind === 'spread') edits.push(...spread({ facts, target, removed }, member, value))
  }
  return edits
}

/**
 * The members of a member, one level up. What the body has already stays the body's own. A governing key never comes in this way, it
 * would be priced and routed as if it were not there; nor what the relay itself writes or withholds. What would be the prompt is
 * refused: nothing but the body's own was counted.
 */
function spread({ facts, target, removed }: Editing, member: Member, value: unknown): Edit[] {
  const taken = new Set(facts.object.members.map(({ name }) => foldName(name)))
  const governing = governingKeys(target.dialect, target.operation)
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  const prompt = entries.find(([name]) => isPromptName(name))?.[0]
  if (prompt !== undefined) {
    const param = `${member.name}.${prompt}`
    throw new GatewayError(
      'invalid_request',
      `${param} is not taken: ${prompt} belongs into the body itself`,
      {
        param,
      },
    )
  }
  const isKept = (name: string) => taken.has(name) || governing.has(name) || isOwn(name)
  const text = entries
    .filter(([name]) => !isKept(foldName(name)))
    .map(([name, inner]) => `${JSON.stringify(name)}:${JSON.stringify(inner)}`)
    .join(',')
  if (text === '') {
    removed.add(member.name)
    return []
  }
  return [{ start: member.keyStart, end: member.valueEnd, text }]
}

const isOwn = (name: string) => name === 'stream_options' || Object.hasOwn(guardedMembers, name)

function parseMember(body: Buffer, { name, valueStart, valueEnd }: Member): unknown {
  try {
    return JSON.parse(body.toString('utf8', valueStart, valueEnd))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new GatewayError(
      'invalid_request',
      `the body is not valid JSON: the value of ${name}, at byte ${valueStart}`,
    )
  }
}
