import { isList, isObject, type JsonObject, textOr } from '../json.ts'
import { describeImageUrl } from '../media.ts'
import { Refusal, refuse } from '../refusal.ts'
import { isSignature } from '../signature.ts'

export interface Input {
  readonly endsWithToolResult: boolean
  readonly lastUserText: string
  readonly images: readonly string[]
}

const roles = new Set(['user', 'assistant', 'system', 'developer'])

/** Checks items, their contents, reasoning state, and that calls and outputs pair up. */
export function readInput(value: unknown, { hasState }: { readonly hasState: boolean }): Input {
  if (typeof value === 'string') return { endsWithToolResult: false, lastUserText: value, images: [] }
  if (value === undefined) return { endsWithToolResult: false, lastUserText: '', images: [] }
  if (!isList(value))
    refuse(
      "Invalid type for 'input': expected one of a string or array of input items.",
      'input',
      'invalid_type',
    )
  const images: string[] = []
  let lastUserText = ''
  const items = value.map((item, index) => {
    if (!isObject(item)) refuse(`Invalid type for 'input[${index}]': expected an object.`, `input[${index}]`)
    const text = readItem(item, index, images)
    if (item.role === 'user') lastUserText = text
    return item
  })
  if (!hasState) checkPairs(items)
  const last = textOr(items.at(-1)?.type, 'message')
  return { endsWithToolResult: last.endsWith('_output'), lastUserText, images }
}

function readItem(item: JsonObject, index: number, images: string[]): string {
  const param = `input[${index}]`
  switch (item.type ?? 'message') {
    case 'message':
      return readMessage(item, param, images)
    case 'function_call':
      checkText(item, ['call_id', 'name', 'arguments'], param)
      checkPrefix(item, 'fc', param)
      return ''
    case 'function_call_output':
      checkText(item, ['call_id'], param)
      if (item.output === undefined) missing(`${param}.output`)
      return ''
    case 'reasoning':
      checkReasoning(item, param)
      return ''
    default:
      if (typeof item.type !== 'string') missing(`${param}.type`)
      return ''
  }
}

function readMessage(item: JsonObject, param: string, images: string[]): string {
  const { role, content } = item
  if (typeof role !== 'string' || !roles.has(role)) {
    refuse(
      `Invalid value: '${role}'. Supported values are: 'assistant', 'system', 'developer', and 'user'.`,
      `${param}.role`,
      'invalid_value',
    )
  }
  if (typeof content === 'string') return content
  if (!isList(content)) missing(`${param}.content`)
  return content
    .map((part, at) => readPart(part, { role, param: `${param}.content[${at}]`, images }))
    .join('')
}

interface PartPlace {
  readonly role: string
  readonly param: string
  readonly images: string[]
}

/** What the assistant said is output, what others say is input; the server mixes neither. */
function readPart(part: unknown, { role, param, images }: PartPlace): string {
  if (!isObject(part)) refuse(`Invalid type for '${param}': expected an object.`, param, 'invalid_type')
  const allowed =
    role === 'assistant'
      ? ['output_text', 'refusal']
      : ['input_text', 'input_image', 'input_file', 'input_audio']
  if (typeof part.type !== 'string' || !allowed.includes(part.type)) {
    const values = allowed.map(value => `'${value}'`).join(', ')
    refuse(
      `Invalid value: '${part.type}'. Supported values are: ${values}.`,
      `${param}.type`,
      'invalid_value',
    )
  }
  if (part.type === 'input_image' && part.file_id === undefined) {
    images.push(describeImageUrl(part.image_url, `${param}.image_url`))
  }
  return textOr(part.text ?? part.refusal, '')
}

function checkReasoning(item: JsonObject, param: string): void {
  checkPrefix(item, 'rs', param)
  if (!isList(item.summary)) missing(`${param}.summary`)
  const state = item.encrypted_content
  if (typeof state === 'string' && !isSignature(state)) {
    const message = `The encrypted content for item ${textOr(item.id, '?')} could not be verified.`
    throw new Refusal({ kind: 'stateInvalid', message, code: 'invalid_encrypted_content' })
  }
}

function checkPairs(items: readonly JsonObject[]): void {
  const called = new Set<unknown>()
  const answered = new Set<unknown>()
  for (const item of items) {
    const type = textOr(item.type, '')
    if (type === 'function_call' || type === 'custom_tool_call') called.add(item.call_id)
    if (type !== 'function_call_output' && type !== 'custom_tool_call_output') continue
    answered.add(item.call_id)
    if (!called.has(item.call_id)) {
      refuse(`No tool call found for function call output with call_id ${item.call_id}.`, 'input')
    }
  }
  for (const id of called) {
    if (!answered.has(id)) refuse(`No tool output found for function call ${id}.`, 'input')
  }
}

function checkText(item: JsonObject, names: readonly string[], param: string): void {
  for (const name of names) {
    if (typeof item[name] !== 'string') missing(`${param}.${name}`)
  }
}

function checkPrefix(item: JsonObject, prefix: string, param: string): void {
  if (item.id === undefined || item.id === null) return
  if (typeof item.id === 'string' && item.id.startsWith(prefix)) return
  refuse(
    `Invalid '${param}.id': '${item.id}'. Expected an ID that begins with '${prefix}'.`,
    `${param}.id`,
    'invalid_value',
  )
}

function missing(param: string): never {
  refuse(`Missing required parameter: '${param}'.`, param, 'missing_required_parameter')
}
