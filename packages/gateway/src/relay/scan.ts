import { isUtf8 } from 'node:buffer'
import {
  type Member,
  ScanError,
  type ScanLimits,
  type ScannedObject,
  type Span,
  scanObject,
} from '@yumen/protocol'
import type { Operation } from '@yumen/providers'
import { GatewayError } from './gateway-error.ts'
import {
  foldName,
  type GoverningKey,
  type GoverningKeys,
  geminiConfigKeys,
  governingKeys,
} from './incoming/governing.ts'
import type { Target } from './route.ts'

/** What one pass over the body found. Everything that decides price, rights or route is read here, once. */
export interface Facts {
  readonly body: Buffer
  readonly object: ScannedObject
  /** The client's name of the model. */
  readonly model: string
  readonly isStreaming: boolean
  /** The most that the client lets the model write, per choice; several limits count as their maximum. */
  readonly outputLimit: number | undefined
  /** How many answers are asked for. */
  readonly choices: number
  /** Governing members that the body has, by name. */
  readonly governing: ReadonlyMap<string, Member>
}

const outputLimits = ['max_tokens', 'max_completion_tokens', 'max_output_tokens', 'maxOutputTokens']
const choiceCounts = ['n', 'candidateCount']

/**
 * One pass over the body for the governing keys. What is found is what every parser finds: a governing key given twice or
 * spelled otherwise (after unescaping and case folding) is refused, escaped keys are decoded before that is asked.
 * @throws GatewayError `invalid_request`
 */
export function scan(sent: Buffer, target: Target, limits: ScanLimits): Facts {
  if (!isUtf8(sent)) throw new GatewayError('invalid_request', 'the body is not valid UTF-8')
  const body = withoutBom(sent)
  const object = scanBody(body, limits)
  const governing = findGoverning(object, governingKeys(target.dialect, target.operation), '')
  const values = readValues(body, governing)
  if (target.dialect === 'gemini') readGeminiConfig(body, governing, values, limits)
  const { model, isStreaming } = readGeneral(target, values)
  return {
    body,
    object,
    model,
    isStreaming,
    outputLimit: largest(outputLimits, values),
    choices: largest(choiceCounts, values) ?? 1,
    governing,
  }
}

type Values = Map<string, unknown>

/** A byte order mark is no JSON: parsers that are strict would refuse what the client means. */
function withoutBom(body: Buffer): Buffer {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body
}

function scanBody(body: Buffer, limits: ScanLimits, span?: Span): ScannedObject {
  try {
    return scanObject(body, limits, span)
  } catch (error) {
    if (!(error instanceof ScanError)) throw error
    throw new GatewayError(
      'invalid_request',
      `the body is not valid JSON: ${error.message}, at byte ${error.position}`,
    )
  }
}

/** @throws GatewayError where a governing key is given twice or spelled otherwise. */
export function findGoverning(
  object: ScannedObject,
  keys: GoverningKeys,
  place: string,
): Map<string, Member> {
  const found = new Map<string, Member>()
  for (const member of object.members) {
    const key = keys.get(member.name) ?? keys.get(foldName(member.name))
    if (key === undefined) continue
    if (!key.spellings.includes(member.name)) throw oddKey(`${place}${member.name}`, key, 'is misspelt')
    if (found.has(key.name)) throw oddKey(`${place}${member.name}`, key, 'is given twice')
    found.set(key.name, member)
  }
  return found
}

function oddKey(name: string, key: GoverningKey, problem: string): GatewayError {
  return new GatewayError(
    'invalid_request',
    `the key ${JSON.stringify(name)} ${problem}: it must be ${JSON.stringify(key.spellings[0])}, and once`,
    { param: key.name },
  )
}

function readValues(body: Buffer, governing: ReadonlyMap<string, Member>): Values {
  const values: Values = new Map()
  for (const [name, member] of governing) {
    const kind = kindOf(name)
    if (kind === 'any') continue
    const value = parseScalar(body, member)
    if (value === null) continue
    if (typeof value !== kind) {
      throw new GatewayError('invalid_request', `${name} must be a ${kind}, found ${describe(value)}`, {
        param: name,
      })
    }
    values.set(name, value)
  }
  return values
}

const kinds = new Map(
  [
    ...[
      governingKeys('openai-chat', 'chat'),
      governingKeys('openai-chat', 'embeddings'),
      governingKeys('openai-responses', 'chat'),
      governingKeys('anthropic', 'chat'),
      governingKeys('gemini', 'chat'),
      geminiConfigKeys,
    ].flatMap(keys => [...keys.values()]),
  ].map(key => [key.name, key.kind]),
)

function kindOf(name: string) {
  return kinds.get(name) ?? 'any'
}

function parseScalar(body: Buffer, { valueStart, valueEnd }: Member): unknown {
  const text = body.toString('utf8', valueStart, valueEnd)
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new GatewayError(
      'invalid_request',
      `the body is not valid JSON: ${clip(text)} is no value, at byte ${valueStart}`,
    )
  }
}

function readGeminiConfig(
  body: Buffer,
  governing: ReadonlyMap<string, Member>,
  values: Values,
  limits: ScanLimits,
): void {
  const member = governing.get('generationConfig')
  if (member === undefined || body[member.valueStart] !== openBrace) return
  const config = scanBody(body, limits, { start: member.valueStart, end: member.valueEnd })
  const nested = findGoverning(config, geminiConfigKeys, 'generationConfig.')
  for (const [name, value] of readValues(body, nested)) values.set(name, value)
}

const openBrace = 0x7b

function readGeneral(target: Target, values: Values): { model: string; isStreaming: boolean } {
  const bodyModel = values.get('model')
  const model = target.pathModel ?? bodyModel ?? defaultModel(target)
  if (typeof model !== 'string' || model === '') {
    throw new GatewayError('invalid_request', 'you must provide a model parameter', { param: 'model' })
  }
  if (model.length > modelCharsMax) {
    throw new GatewayError('invalid_request', `a model's name has at most ${modelCharsMax} characters`, {
      param: 'model',
    })
  }
  if (
    target.pathModel !== undefined &&
    typeof bodyModel === 'string' &&
    bareName(bodyModel) !== bareName(model)
  ) {
    throw new GatewayError(
      'invalid_request',
      `the body's model ${clip(bodyModel)} is not the address's ${clip(model)}`,
      { param: 'model' },
    )
  }
  return {
    model: target.dialect === 'gemini' ? bareName(model) : model,
    isStreaming: target.pathStreams || (streams.has(target.operation) && values.get('stream') === true),
  }
}

/** It goes into every record and log line. */
const modelCharsMax = 256
/** Elsewhere `stream` is a word that the upstream may refuse by itself. */
const streams: ReadonlySet<Operation> = new Set(['chat', 'completions'])

/** OpenAI's moderation endpoint may be asked without a model. */
function defaultModel(target: Target): string | undefined {
  return target.operation === 'moderations' ? 'omni-moderation-latest' : undefined
}

/** Google writes model names with and without `models/`. */
function bareName(model: string): string {
  return model.startsWith('models/') ? model.slice('models/'.length) : model
}

function largest(names: readonly string[], values: Values): number | undefined {
  let most: number | undefined
  for (const name of names) {
    const value = values.get(name)
    if (typeof value === 'number' && (most === undefined || value > most)) most = value
  }
  return most
}

function describe(value: unknown): string {
  return Array.isArray(value)
    ? 'an array'
    : typeof value === 'object'
      ? 'an object'
      : `${typeof value} ${clip(String(value))}`
}

function clip(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
