import { isList, isObject, type JsonObject, objectsIn, textOr } from '../json.ts'
import { describeBase64 } from '../media.ts'
import { refuse } from '../refusal.ts'
import { isSignature } from '../signature.ts'
import { member } from './members.ts'

export interface Contents {
  readonly endsWithToolResult: boolean
  readonly lastUserText: string
  readonly images: readonly string[]
}

/** Documented stand-ins for a signature that was lost. */
const standIns = new Set(['skip_thought_signature_validator', 'context_engineering_is_the_way_to_go'])

/** Checks roles, parts, signatures, and that each turn of calls is followed by as many responses. */
export function readContents(value: unknown): Contents {
  if (!isList(value) || value.length === 0)
    refuse('* GenerateContentRequest.contents: contents is not specified')
  const images: string[] = []
  let lastUserText = ''
  const contents = value.map((content, index) => {
    if (!isObject(content)) refuse(`Invalid value at 'contents[${index}]', expected an object.`)
    const role = content.role ?? 'user'
    if (role !== 'user' && role !== 'model' && role !== 'function')
      refuse('Please use a valid role: user, model.')
    if (!isList(content.parts) || content.parts.length === 0) {
      refuse(`* GenerateContentRequest.contents[${index}].parts: contents.parts must not be empty.`)
    }
    const text = content.parts
      .map((part, at) => readPart(part, `contents[${index}].parts[${at}]`, images))
      .join('')
    if (role === 'user' && text !== '') lastUserText = text
    return content
  })
  checkPairs(contents)
  return { endsWithToolResult: count(contents.at(-1), 'functionResponse') > 0, lastUserText, images }
}

function readPart(part: unknown, place: string, images: string[]): string {
  if (!isObject(part)) refuse(`Invalid value at '${place}', expected an object.`)
  checkSignature(part, place)
  const inline = member(part, 'inlineData')
  if (isObject(inline)) {
    images.push(describeBase64(member(inline, 'mimeType'), inline.data, `${place}.inline_data`))
    return ''
  }
  const file = member(part, 'fileData')
  if (isObject(file)) {
    images.push(textOr(member(file, 'fileUri'), ''))
    return ''
  }
  const known = [
    'text',
    'functionCall',
    'functionResponse',
    'executableCode',
    'codeExecutionResult',
    'toolCall',
    'toolResponse',
  ]
  if (!known.some(name => member(part, name) !== undefined)) {
    refuse(
      `* GenerateContentRequest.${place}.data: required oneof field 'data' must have one initialized field`,
    )
  }
  return part.thought === true ? '' : textOr(part.text, '')
}

function checkSignature(part: JsonObject, place: string): void {
  const signature = member(part, 'thoughtSignature')
  if (signature === undefined || signature === null) return
  if (typeof signature === 'string' && (standIns.has(signature) || isSignature(signature))) return
  refuse(`${place}: Thought signature is not valid.`)
}

function checkPairs(contents: readonly JsonObject[]): void {
  contents.forEach((content, index) => {
    const calls = count(content, 'functionCall')
    const next = contents[index + 1]
    if (calls > 0 && calls !== count(next, 'functionResponse')) {
      refuse(
        'Please ensure that the number of function response parts is equal to the number of function call ' +
          'parts of the function call turn.',
      )
    }
    const responses = count(content, 'functionResponse')
    if (responses > 0 && count(contents[index - 1], 'functionCall') === 0) {
      refuse('Please ensure that function response turn comes immediately after a function call turn.')
    }
  })
}

function count(content: JsonObject | undefined, name: string): number {
  return objectsIn(content?.parts).filter(part => member(part, name) !== undefined).length
}
