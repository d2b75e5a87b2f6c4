import { type Asked, plainFacts, type Tool, type ToolChoice } from '../ask.ts'
import { charactersIn, isList, isObject, type JsonObject, objectsIn } from '../json.ts'
import { namedTool, readCount, readFlag, readModel, readToolName } from '../openai-chat/chat.ts'
import { Refusal, refuse } from '../refusal.ts'
import { readInput } from './input.ts'
import { responsesFrames } from './stream.ts'
import { type Echo, responsesWhole } from './whole.ts'

/** `POST …/responses`. Source: platform.openai.com/docs/api-reference/responses, its server's refusals. */
export function readResponses(body: JsonObject): Asked {
  const model = readModel(body)
  const hasState = ['previous_response_id', 'prompt', 'conversation'].some(
    name => (body[name] ?? null) !== null,
  )
  if (body.input === undefined && !hasState) {
    const rule =
      'Missing required parameter: one of input, previous_response_id, prompt or conversation is needed.'
    refuse(rule, 'input', 'missing_required_parameter')
  }
  checkPrevious(body.previous_response_id)
  const input = readInput(body.input, { hasState })
  const tools = readTools(body.tools)
  const temperature = body.temperature ?? 1
  if (typeof temperature !== 'number' || temperature < 0 || temperature > 2) {
    refuse("Invalid 'temperature': expected a value between 0 and 2.", 'temperature', 'decimal_out_of_range')
  }
  const include = isList(body.include) ? body.include : []
  const facts = {
    ...plainFacts,
    model,
    isStream: readFlag(body, 'stream'),
    outputMax: readCount(body, 'max_output_tokens', { least: 16, most: 1_000_000 }),
    tools,
    toolChoice: readToolChoice(body.tool_choice ?? 'auto', tools),
    endsWithToolResult: input.endsWithToolResult,
    lastUserText: input.lastUserText,
    images: input.images,
    inputCharacters: charactersIn([body.input, body.instructions, body.tools]),
    wantsLogprobs: include.includes('message.output_text.logprobs'),
  }
  const echo: Echo = { body, showsState: include.includes('reasoning.encrypted_content') }
  return {
    facts,
    whole: script => responsesWhole(script, echo),
    frames: script => responsesFrames(script, echo),
  }
}

/** Every id with the right prefix is known, except those with `missing` in them. */
function checkPrevious(id: unknown): void {
  if (id === undefined || id === null) return
  if (typeof id !== 'string' || !id.startsWith('resp_')) {
    refuse(
      "Invalid 'previous_response_id': expected an ID that begins with 'resp'.",
      'previous_response_id',
      'invalid_value',
    )
  }
  if (!id.includes('missing')) return
  const message = `Previous response with id '${id}' not found.`
  throw new Refusal({ kind: 'stateNotFound', message, param: 'previous_response_id' })
}

function readTools(value: unknown): readonly Tool[] {
  const tools = objectsIn(value ?? [])
  return tools.flatMap((tool, index): Tool[] => {
    if (tool.type !== 'function' && tool.type !== 'custom') {
      if (typeof tool.type === 'string') return []
      return refuse(`Missing required parameter: 'tools[${index}].type'.`, `tools[${index}].type`)
    }
    if (tool.name === undefined) {
      refuse(
        `Missing required parameter: 'tools[${index}].name'.`,
        `tools[${index}].name`,
        'missing_required_parameter',
      )
    }
    return [
      { name: readToolName(tool.name, `tools[${index}].name`), kind: tool.type, schema: tool.parameters },
    ]
  })
}

function readToolChoice(choice: unknown, tools: readonly Tool[]): ToolChoice {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice
  const isNamed = isObject(choice) && (choice.type === 'function' || choice.type === 'custom')
  return isNamed ? namedTool(choice.name, tools) : 'auto'
}
