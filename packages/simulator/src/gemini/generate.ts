import { type Asked, type Facts, plainFacts, type Tool, type ToolChoice } from '../ask.ts'
import { charactersIn, isList, isObject, type JsonObject, objectsIn, textOr } from '../json.ts'
import { refuse } from '../refusal.ts'
import { wire } from '../wire.ts'
import { readContents } from './contents.ts'
import { checkMembers, member } from './members.ts'
import { geminiFrames } from './stream.ts'
import { geminiWhole } from './whole.ts'

/** What the path says: the model, and whether the answer streams. */
export interface GeminiPlace {
  readonly model: string
  readonly isStream: boolean
}

const bodyMembers = new Set([
  'model',
  'contents',
  'tools',
  'toolConfig',
  'safetySettings',
  'systemInstruction',
  'generationConfig',
  'cachedContent',
  'store',
  'serviceTier',
  'labels',
])

const configMembers = new Set([
  'stopSequences',
  'responseMimeType',
  'responseSchema',
  'responseJsonSchema',
  '_responseJsonSchema',
  'responseModalities',
  'candidateCount',
  'maxOutputTokens',
  'temperature',
  'topP',
  'topK',
  'seed',
  'presencePenalty',
  'frequencyPenalty',
  'responseLogprobs',
  'logprobs',
  'enableEnhancedCivicAnswers',
  'speechConfig',
  'thinkingConfig',
  'imageConfig',
  'mediaResolution',
  'audioTimestamp',
  'modelSelectionConfig',
  'routingConfig',
  'enableAffectiveDialog',
  'responseFormat',
  'translationConfig',
])

/** `:generateContent` and `:streamGenerateContent`. Source: ai.google.dev/api/generate-content. */
export function readGenerate(body: JsonObject, place: GeminiPlace): Asked {
  return { facts: readFacts(body, place), whole: geminiWhole, frames: geminiFrames }
}

/** `:countTokens`, of contents or of a whole request in `generateContentRequest`. */
export function readCount(body: JsonObject, place: GeminiPlace): Asked {
  const request = member(body, 'generateContentRequest')
  const facts = readFacts(isObject(request) ? request : body, place)
  const whole = (tokens: number | undefined) => wire`{"totalTokens":${tokens},
    "promptTokensDetails":[{"modality":"TEXT","tokenCount":${tokens}}]}`
  return { facts, whole: script => whole(script.usage?.input).wire, frames: () => [] }
}

function readFacts(body: JsonObject, { model, isStream }: GeminiPlace): Facts {
  checkMembers(body, bodyMembers, '')
  const given = member(body, 'generationConfig') ?? {}
  if (!isObject(given)) refuse("Invalid value at 'generation_config', expected an object.")
  checkMembers(given, configMembers, ` at 'generation_config'`)
  const contents = readContents(body.contents)
  const tools = readTools(body.tools)
  const stops = member(given, 'stopSequences')
  checkTemperature(given.temperature)
  return {
    ...plainFacts,
    model,
    isStream,
    choices: readPositive(given, 'candidateCount', 8),
    outputMax: readPositive(given, 'maxOutputTokens', 1_000_000),
    tools,
    toolChoice: readToolChoice(member(body, 'toolConfig'), tools),
    endsWithToolResult: contents.endsWithToolResult,
    lastUserText: contents.lastUserText,
    images: contents.images,
    inputCharacters: charactersIn([body.contents, member(body, 'systemInstruction'), body.tools]),
    wantsLogprobs: member(given, 'responseLogprobs') === true,
    stopSequence: isList(stops) ? textOr(stops[0], '') : undefined,
  }
}

function checkTemperature(value: unknown): void {
  if (value === undefined || value === null) return
  if (typeof value === 'number' && value >= 0 && value <= 2) return
  refuse(
    `* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0]`,
  )
}

function readPositive(config: JsonObject, name: string, most: number): number | undefined {
  const value = member(config, name) ?? undefined
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) return value
  return refuse(
    `* GenerateContentRequest.generation_config.${name}: must be in the range [1, ${most}], got ${value}`,
  )
}

function readTools(value: unknown): readonly Tool[] {
  return objectsIn(value).flatMap(tool =>
    objectsIn(member(tool, 'functionDeclarations')).map((declaration, index): Tool => {
      const { name } = declaration
      if (typeof name !== 'string' || !/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/.test(name)) {
        const rule =
          'Must start with a letter or an underscore; letters, digits, _ . : - follow, 128 at most.'
        refuse(`* GenerateContentRequest.tools.function_declarations[${index}].name: invalid name. ${rule}`)
      }
      const schema = member(declaration, 'parametersJsonSchema') ?? declaration.parameters
      return { name, kind: 'function', schema }
    }),
  )
}

function readToolChoice(config: unknown, tools: readonly Tool[]): ToolChoice {
  const calling = isObject(config) ? member(config, 'functionCallingConfig') : undefined
  if (!isObject(calling)) return 'auto'
  if (calling.mode === 'NONE') return 'none'
  if (calling.mode !== 'ANY') return 'auto'
  const allowed = member(calling, 'allowedFunctionNames')
  const name = isList(allowed) ? allowed[0] : undefined
  const found = tools.find(tool => tool.name === name)
  return found === undefined ? 'required' : { name: found.name }
}
