import { isList, isObject, type JsonObject, objectsIn, textOr } from '../json.ts'
import { describeBase64, describeImageUrl } from '../media.ts'
import { refuse } from '../refusal.ts'

export interface Messages {
  readonly endsWithToolResult: boolean
  readonly lastUserText: string
  readonly images: readonly string[]
}

const roles = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function'])

/** Checks roles, contents and the pairing of tool calls with results, as strictly as OpenAI's own server. */
export function readMessages(value: unknown): Messages {
  if (!isList(value))
    refuse("Invalid type for 'messages': expected an array of objects.", 'messages', 'invalid_type')
  if (value.length === 0) {
    const rule = 'Expected an array with minimum length 1, but got an empty array instead.'
    refuse(`Invalid 'messages': empty array. ${rule}`, 'messages', 'empty_array')
  }
  const images: string[] = []
  let lastUserText = ''
  const messages = value.map((message, index) => {
    if (!isObject(message))
      refuse(`Invalid type for 'messages[${index}]': expected an object.`, `messages[${index}]`)
    const text = readMessage(message, index, images)
    if (message.role === 'user') lastUserText = text
    return message
  })
  checkPairs(messages)
  return { endsWithToolResult: messages.at(-1)?.role === 'tool', lastUserText, images }
}

function readMessage(message: JsonObject, index: number, images: string[]): string {
  const { role, content } = message
  const param = `messages[${index}]`
  if (typeof role !== 'string' || !roles.has(role)) {
    refuse(
      `Invalid value for '${param}.role'. Supported values are: ${[...roles].join(', ')}.`,
      `${param}.role`,
      'invalid_value',
    )
  }
  if (content === undefined || content === null) {
    if (role === 'assistant' && ('tool_calls' in message || 'refusal' in message || 'audio' in message))
      return ''
    refuse(`Invalid value for 'content': expected a string, got null.`, `${param}.content`, 'invalid_type')
  }
  if (typeof content === 'string') return content
  if (!isList(content)) refuse(`Invalid type for '${param}.content'.`, `${param}.content`, 'invalid_type')
  return content.map((part, at) => readPart(part, `${param}.content[${at}]`, images)).join('')
}

function readPart(part: unknown, param: string, images: string[]): string {
  if (!isObject(part)) refuse(`Invalid type for '${param}': expected an object.`, param, 'invalid_type')
  switch (part.type) {
    case 'text':
      if (typeof part.text !== 'string')
        refuse(`Missing required parameter: '${param}.text'.`, `${param}.text`)
      return part.text
    case 'image_url': {
      const image = isObject(part.image_url) ? part.image_url.url : undefined
      images.push(describeImageUrl(image, `${param}.image_url.url`))
      return ''
    }
    case 'input_audio': {
      const audio = isObject(part.input_audio) ? part.input_audio : {}
      describeBase64(`audio/${textOr(audio.format, '')}`, audio.data, `${param}.input_audio.data`)
      return ''
    }
    case 'file':
    case 'video_url':
      return ''
    case 'refusal':
      return textOr(part.refusal, '')
    default: {
      const rule = "Supported values are: 'text', 'image_url', 'input_audio', 'refusal', and 'file'."
      return refuse(`Invalid value: '${part.type}'. ${rule}`, `${param}.type`, 'invalid_value')
    }
  }
}

/** Every call is answered right after its turn, and nothing is answered that was not called. */
function checkPairs(messages: readonly JsonObject[]): void {
  let open = new Set<unknown>()
  messages.forEach((message, index) => {
    if (message.role === 'tool') {
      if (typeof message.tool_call_id !== 'string') {
        refuse(
          `Missing parameter 'tool_call_id': messages with role 'tool' must have a 'tool_call_id'.`,
          `messages[${index}].tool_call_id`,
        )
      }
      if (!open.delete(message.tool_call_id)) {
        const rule = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'"
        refuse(`Invalid parameter: ${rule}.`, `messages[${index}].role`)
      }
      return
    }
    checkAnswered(open, index)
    open = new Set(
      objectsIn(message.tool_calls).map((call, at) => callId(call, `messages[${index}].tool_calls[${at}]`)),
    )
  })
  checkAnswered(open, messages.length)
}

function checkAnswered(open: ReadonlySet<unknown>, index: number): void {
  if (open.size === 0) return
  const rule =
    "An assistant message with 'tool_calls' must be followed by tool messages " +
    "responding to each 'tool_call_id'."
  const missing = [...open].join(', ')
  refuse(
    `${rule} The following tool_call_ids did not have response messages: ${missing}`,
    `messages[${index}].role`,
  )
}

function callId(call: JsonObject, param: string): string {
  const definition = call.function ?? call.custom
  if (typeof call.id !== 'string' || call.id === '')
    refuse(`Missing required parameter: '${param}.id'.`, `${param}.id`)
  if (call.id.length > 64)
    refuse(`Invalid '${param}.id': string too long.`, `${param}.id`, 'string_above_max_length')
  if (!isObject(definition) || typeof definition.name !== 'string') {
    refuse(`Missing required parameter: '${param}.function'.`, `${param}.function`)
  }
  if (isObject(call.function) && typeof call.function.arguments !== 'string') {
    refuse(
      `Invalid type for '${param}.function.arguments': expected a string.`,
      `${param}.function.arguments`,
      'invalid_type',
    )
  }
  return call.id
}
