import {
  applyEdits,
  createChunkReshaper,
  type DialectName,
  type Edit,
  type Member,
  type ReshapeRules,
  reshapeAnswer,
  ScanError,
  type ScanLimits,
  type ScannedObject,
  scanObject,
  setMember,
} from '@yumen/protocol'
import type { PassingEvent } from '../upstream/streamed.ts'

/** What has to change in an answer on its way to the client. */
export interface RewriteRules {
  readonly dialect: DialectName
  /** The client's name of the model, where the upstream's is another. */
  readonly model: string | undefined
  /** Usage was asked for by the gateway, not by the client. */
  readonly hidesUsage: boolean
  /** Settings of the channel; `undefined` where none applies. */
  readonly reshape: ReshapeRules | undefined
  readonly limits: ScanLimits
}

export type Rewriter = (event: PassingEvent) => { readonly bytes: Buffer; readonly data: string } | undefined

/** Where each dialect names the model in answers and events. */
const modelPlaces: Readonly<Record<DialectName, readonly (readonly string[])[]>> = {
  'openai-chat': [['model']],
  'openai-responses': [['model'], ['response', 'model']],
  anthropic: [['model'], ['message', 'model']],
  gemini: [['modelVersion']],
}

/** The rewriter of one stream, or `undefined` where every byte passes as it came. */
export function createRewriter(rules: RewriteRules): Rewriter | undefined {
  if (rules.reshape !== undefined) return createReshapingRewriter(rules, rules.reshape)
  if (rules.model === undefined && !rules.hidesUsage) return undefined
  return event => {
    const mayHoldUsage = rules.hidesUsage && usageObject.test(event.data)
    const mayHoldModel = rules.model !== undefined && event.data.includes('odel')
    if (!mayHoldUsage && !mayHoldModel) return undefined
    const data = editText(event.data, rules)
    return data === undefined ? undefined : frame(event, data)
  }
}

/** A whole answer with the same changes. Bytes around the edits stay. */
export function rewriteWhole(bytes: Buffer, parsed: unknown, rules: RewriteRules): Buffer {
  if (rules.reshape !== undefined && isObject(parsed)) {
    const shaped = reshapeAnswer(parsed, rules.reshape)
    return Buffer.from(JSON.stringify(rules.model === undefined ? shaped : { ...shaped, model: rules.model }))
  }
  if (rules.model === undefined) return bytes
  return Buffer.concat(edit(bytes, { ...rules, hidesUsage: false }) ?? [bytes])
}

/** Whoever asks for usage gets `"usage":null` in every other chunk: not worth a scan. */
const usageObject = /"usage"\s*:\s*\{/

function createReshapingRewriter(rules: RewriteRules, reshape: ReshapeRules): Rewriter {
  const reshapeChunk = createChunkReshaper(reshape)
  return event => {
    const chunk = parse(event.data)
    if (chunk === undefined) return undefined
    const shaped = reshapeChunk(chunk)
    if (rules.model !== undefined && 'model' in shaped) shaped['model'] = rules.model
    if (rules.hidesUsage && isObject(shaped['usage'])) shaped['usage'] = null
    return frame(event, JSON.stringify(shaped))
  }
}

function editText(data: string, rules: RewriteRules): string | undefined {
  if (!data.startsWith('{')) return undefined
  const pieces = edit(Buffer.from(data), rules)
  return pieces && Buffer.concat(pieces).toString('utf8')
}

/** `undefined` where there is nothing to change. An answer that the scan cannot follow passes as it is. */
function edit(bytes: Buffer, rules: RewriteRules): Buffer[] | undefined {
  try {
    const object = scanObject(bytes, rules.limits)
    const edits = [...renames(bytes, object, rules), ...hides(bytes, object, rules)]
    return edits.length === 0 ? undefined : applyEdits(bytes, edits)
  } catch (error) {
    if (error instanceof ScanError) return undefined
    throw error
  }
}

function renames(bytes: Buffer, object: ScannedObject, { dialect, model, limits }: RewriteRules): Edit[] {
  if (model === undefined) return []
  return modelPlaces[dialect].flatMap(path => {
    const member = find(bytes, object, path, limits)
    return member === undefined || bytes[member.valueStart] !== quote ? [] : [setMember(member, model)]
  })
}

function hides(bytes: Buffer, object: ScannedObject, { hidesUsage }: RewriteRules): Edit[] {
  const member = hidesUsage ? object.members.find(({ name }) => name === 'usage') : undefined
  return member === undefined || bytes[member.valueStart] !== openBrace ? [] : [setMember(member, null)]
}

const quote = 0x22
const openBrace = 0x7b

function find(
  bytes: Buffer,
  object: ScannedObject,
  [name, ...rest]: readonly string[],
  limits: ScanLimits,
): Member | undefined {
  const member = object.members.find(candidate => candidate.name === name)
  if (member === undefined || rest.length === 0) return member
  if (bytes[member.valueStart] !== openBrace) return undefined
  return find(
    bytes,
    scanObject(bytes, limits, { start: member.valueStart, end: member.valueEnd }),
    rest,
    limits,
  )
}

function frame({ event }: PassingEvent, data: string): { bytes: Buffer; data: string } {
  return { bytes: Buffer.from(`${event === '' ? '' : `event: ${event}\n`}data: ${data}\n\n`), data }
}

function parse(data: string): Record<string, unknown> | undefined {
  if (!data.startsWith('{')) return undefined
  const value: unknown = JSON.parse(data) // the tap has parsed it before: it is JSON
  return isObject(value) ? value : undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
