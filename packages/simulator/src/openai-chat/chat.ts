import { type Asked, plainFacts, type Tool, type ToolChoice } from '../ask.ts'
import { charactersIn, isList, isObject, type JsonObject, objectsIn, textOr } from '../json.ts'
import { refuse } from '../refusal.ts'
import { readMessages } from './messages.ts'
import { chatFrames } from './stream.ts'
import { chatWhole } from './whole.ts'

/** `POST …/chat/completions`. Source: platform.openai.com/docs/api-reference/chat, its server's refusals. */
export function readChat(body: JsonObject): Asked {
  const model = readModel(body)
  if (!('messages' in body)) {
    refuse("Missing required parameter: 'messages'.", 'messages', 'missing_required_parameter')
  }
  const messages = readMessages(body.messages)
  const isStream = readFlag(body, 'stream')
  const tools = readTools(body.tools)
  const facts = {
    ...plainFacts,
    model,
    isStream,
    choices: readCount(body, 'n', { least: 1, most: 128 }),
    outputMax: readOutputMax(body),
    tools,
    toolChoice: readToolChoice(body, tools),
    endsWithToolResult: messages.endsWithToolResult,
    lastUserText: messages.lastUserText,
    images: messages.images,
    inputCharacters: charactersIn(body.messages) + charactersIn(body.tools),
    wantsLogprobs: readFlag(body, 'logprobs'),
    stopSequence: isList(body.stop) ? textOr(body.stop[0], '') : undefined,
  }
  checkNumbers(body)
  const includeUsage = readIncludeUsage(body, isStream)
  return { facts, whole: chatWhole, frames: script => chatFrames(script, { includeUsage }) }
}

export function readModel(body: JsonObject): string {
  const { model } = body
  if (typeof model !== 'string' || model === '') refuse('you must provide a model parameter', 'model')
  return model
}

export function readFlag(body: JsonObject, name: string): boolean {
  const value = body[name] ?? false
  if (typeof value !== 'boolean')
    refuse(`Invalid type for '${name}': expected a boolean.`, name, 'invalid_type')
  return value
}

export function readCount(
  body: JsonObject,
  name: string,
  { least, most }: { readonly least: number; readonly most: number },
): number | undefined {
  const value = body[name] ?? undefined
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    refuse(`Invalid type for '${name}': expected an integer.`, name, 'invalid_type')
  }
  if (value < least) {
    const rule = `Expected a value >= ${least}, but got ${value} instead.`
    refuse(`Invalid '${name}': integer below minimum value. ${rule}`, name, 'integer_below_min_value')
  }
  if (value > most) {
    const rule = `Expected a value <= ${most}, but got ${value} instead.`
    refuse(`Invalid '${name}': integer above maximum value. ${rule}`, name, 'integer_above_max_value')
  }
  return value
}

export function readIncludeUsage(body: JsonObject, isStream: boolean): boolean {
  const options = body.stream_options ?? undefined
  if (options === undefined) return false
  if (!isStream) {
    refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.", 'stream_options')
  }
  return isObject(options) && options.include_usage === true
}

/** Numbers in the ranges of the reference; `null` is absence. */
export function checkNumbers(body: JsonObject): void {
  const ranges = { temperature: [0, 2], top_p: [0, 1], presence_penalty: [-2, 2], frequency_penalty: [-2, 2] }
  for (const [name, [least = 0, most = 0]] of Object.entries(ranges)) {
    const value = body[name] ?? least
    if (typeof value !== 'number')
      refuse(`Invalid type for '${name}': expected a decimal.`, name, 'invalid_type')
    if (value < least || value > most) {
      const rule = `Expected a value between ${least} and ${most}, but got ${value} instead.`
      refuse(`Invalid '${name}': decimal out of range. ${rule}`, name, 'decimal_out_of_range')
    }
  }
  const stops = body.stop ?? []
  if (isList(stops) && stops.length > 4) {
    refuse(
      "Invalid 'stop': array too long. Expected an array with maximum length 4.",
      'stop',
      'array_above_max_length',
    )
  }
}

function readOutputMax(body: JsonObject): number | undefined {
  const range = { least: 1, most: 1_000_000 }
  const old = readCount(body, 'max_tokens', range)
  const current = readCount(body, 'max_completion_tokens', range)
  if (old !== undefined && current !== undefined) {
    const rule = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
    refuse(rule, 'max_tokens', 'invalid_parameter_combination')
  }
  return current ?? old
}

function readTools(value: unknown): readonly Tool[] {
  if (value === undefined || value === null) return []
  if (!isList(value) || value.length === 0) refuse("Invalid 'tools': empty array.", 'tools', 'empty_array')
  if (value.length > 128) refuse("Invalid 'tools': array too long.", 'tools', 'array_above_max_length')
  return objectsIn(value).map((tool, index) => {
    const kind = tool.type === 'custom' ? 'custom' : 'function'
    const definition = tool[kind]
    if (tool.type !== kind || !isObject(definition)) {
      refuse(`Missing required parameter: 'tools[${index}].${kind}'.`, `tools[${index}].${kind}`)
    }
    const name = readToolName(definition.name, `tools[${index}].${kind}.name`)
    return { name, kind, schema: definition.parameters }
  })
}

export function readToolName(name: unknown, param: string): string {
  if (typeof name !== 'string' || !/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
    refuse(
      `Invalid '${param}': expected a string that matches '^[a-zA-Z0-9_-]{1,64}$'.`,
      param,
      'invalid_value',
    )
  }
  return name
}

function readToolChoice(body: JsonObject, tools: readonly Tool[]): ToolChoice {
  const choice = body.tool_choice ?? 'auto'
  if (body.tool_choice !== undefined && tools.length === 0) {
    refuse("'tool_choice' is only allowed when 'tools' are specified.", 'tool_choice')
  }
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice
  const definition = isObject(choice) ? (choice.function ?? choice.custom) : undefined
  if (!isObject(definition)) return 'auto'
  return namedTool(definition.name, tools)
}

export function namedTool(name: unknown, tools: readonly Tool[]): ToolChoice {
  const found = tools.find(tool => tool.name === name)
  if (found === undefined) refuse(`Tool choice '${name}' not found in 'tools' parameter.`, 'tool_choice')
  return { name: found.name }
}
