import type { IncomingHttpHeaders } from 'node:http'
import { type Asked, type Facts, plainFacts, type Tool, type ToolChoice } from '../ask.ts'
import { charactersIn, isList, isObject, type JsonObject, objectsIn, textOr } from '../json.ts'
import { refuse } from '../refusal.ts'
import { wire } from '../wire.ts'
import { anthropicFrames } from './stream.ts'
import { readTurns } from './turns.ts'
import { anthropicWhole } from './whole.ts'

/** The members that the Messages API knows (SDK 1.13, betas included); it refuses all others. */
const members = new Set([
  'model',
  'messages',
  'max_tokens',
  'system',
  'metadata',
  'stop_sequences',
  'stream',
  'temperature',
  'top_k',
  'top_p',
  'tools',
  'tool_choice',
  'thinking',
  'service_tier',
  'container',
  'context_management',
  'mcp_servers',
  'output_config',
  'output_format',
  'inference_geo',
  'speed',
  'cache_control',
  'diagnostics',
  'user_profile_id',
  'workspace_id',
  'billing_policy',
  'compaction',
  'fallback_credit_token',
  'fallbacks',
  'thread',
])

const currentVersion = '2026-10-21'
const versions = new Set(['2023-01-01', '2023-06-01', currentVersion])

/** `POST …/v1/messages`. Source: docs.anthropic.com/en/api/messages, and what its server refuses. */
export function readAnthropic(body: JsonObject, headers: IncomingHttpHeaders): Asked {
  const version = readVersion(headers)
  const facts = readFacts(body)
  checkVersionRules(body, version)
  const max = body.max_tokens
  if (max === undefined) refuse('max_tokens: Field required')
  if (typeof max !== 'number' || !Number.isInteger(max)) refuse('max_tokens: Input should be a valid integer')
  if (max < 1) refuse('max_tokens: Input should be greater than or equal to 1')
  checkNumbers(body, max)
  return { facts: { ...facts, outputMax: max }, whole: anthropicWhole, frames: anthropicFrames }
}

/** `POST …/v1/messages/count_tokens`: the number that a real call with these messages states as its input. */
export function readCountTokens(body: JsonObject, headers: IncomingHttpHeaders): Asked {
  checkVersionRules(body, readVersion(headers))
  const facts = { ...readFacts(body), isStream: false }
  return { facts, whole: script => wire`{"input_tokens":${script.usage?.input}}`.wire, frames: () => [] }
}

function readVersion(headers: IncomingHttpHeaders): string {
  const version = headers['anthropic-version']
  if (typeof version !== 'string') refuse('anthropic-version: header is required')
  if (!versions.has(version)) {
    refuse(`anthropic-version: "${version}" is not a valid version. Please specify a valid version.`)
  }
  return version
}

/** Version 2026-10-21 took away the sampling fields, even at their defaults, and two places of content. */
function checkVersionRules(body: JsonObject, version: string): void {
  if (version !== currentVersion) return
  for (const name of ['temperature', 'top_p', 'top_k']) {
    if (body[name] !== undefined) refuse(`${name}: not supported with anthropic-version ${version}`)
  }
  for (const [index, turn] of objectsIn(body.messages).entries()) {
    for (const block of objectsIn(turn.content)) {
      const isCited = turn.role === 'user' && isList(block.citations) && block.citations.length > 0
      const isDocument = turn.role === 'assistant' && block.type === 'document'
      if (isCited || isDocument) {
        refuse(`messages.${index}.content: \`${block.type}\` is not permitted with version ${version}`)
      }
    }
  }
}

function readFacts(body: JsonObject): Facts {
  for (const name of Object.keys(body)) {
    if (!members.has(name)) refuse(`${name}: Extra inputs are not permitted`)
  }
  const { model } = body
  if (model === undefined) refuse('model: Field required')
  if (typeof model !== 'string' || model === '') refuse('model: Input should be a valid string')
  const turns = readTurns(body.messages)
  const tools = readTools(body.tools)
  const stream = body.stream ?? false
  if (typeof stream !== 'boolean') refuse('stream: Input should be a valid boolean')
  return {
    ...plainFacts,
    model,
    isStream: stream,
    tools,
    toolChoice: readToolChoice(body.tool_choice, tools),
    endsWithToolResult: turns.endsWithToolResult,
    lastUserText: turns.lastUserText,
    images: turns.images,
    inputCharacters: charactersIn([body.system, body.messages, body.tools]),
    stopSequence: isList(body.stop_sequences) ? textOr(body.stop_sequences[0], '') : undefined,
  }
}

function checkNumbers(body: JsonObject, maxTokens: number): void {
  for (const name of ['temperature', 'top_p']) {
    const value = body[name] ?? 0
    if (typeof value !== 'number' || value < 0 || value > 1) refuse(`${name}: range: 0..1`)
  }
  const { thinking } = body
  if (!isObject(thinking) || thinking.type !== 'enabled') return
  const budget = thinking.budget_tokens
  if (typeof budget !== 'number') refuse('thinking.enabled.budget_tokens: Field required')
  if (budget < 1024) refuse('thinking.enabled.budget_tokens: Input should be greater than or equal to 1024')
  if (budget >= maxTokens) refuse('`max_tokens` must be greater than `thinking.budget_tokens`.')
}

function readTools(value: unknown): readonly Tool[] {
  if (value === undefined) return []
  if (!isList(value)) refuse('tools: Input should be a valid list')
  const tools = value.flatMap((tool, index): Tool[] => {
    if (!isObject(tool)) refuse(`tools.${index}: Input should be a valid dictionary`)
    if (tool.type !== undefined && tool.type !== null && tool.type !== 'custom') return []
    const place = `tools.${index}.custom`
    if (typeof tool.name !== 'string' || !/^[a-zA-Z0-9_-]{1,128}$/.test(tool.name)) {
      refuse(`${place}.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`)
    }
    if (!isObject(tool.input_schema)) refuse(`${place}.input_schema: Field required`)
    if (tool.input_schema.type !== 'object') refuse(`${place}.input_schema.type: Input should be 'object'`)
    return [{ name: tool.name, kind: 'function', schema: tool.input_schema }]
  })
  const names = tools.map(tool => tool.name)
  if (new Set(names).size < names.length) refuse('tools: Tool names must be unique.')
  return tools
}

function readToolChoice(choice: unknown, tools: readonly Tool[]): ToolChoice {
  if (choice === undefined || choice === null) return 'auto'
  if (!isObject(choice)) refuse('tool_choice: Input should be a valid dictionary')
  switch (choice.type) {
    case 'auto':
      return 'auto'
    case 'any':
      return 'required'
    case 'none':
      return 'none'
    case 'tool': {
      const found = tools.find(tool => tool.name === choice.name)
      if (found === undefined) refuse(`Tool '${choice.name}' not found in provided tools`)
      return { name: found.name }
    }
    default:
      return refuse(
        `tool_choice: Input tag '${choice.type}' does not match any of 'auto', 'any', 'tool', 'none'`,
      )
  }
}
