import type { DialectName } from '@yumen/protocol'
import type { Operation } from '@yumen/providers'

type Kind = 'string' | 'boolean' | 'number' | 'any'

/** A key that decides price, hold, rights or route. Gemini's two spellings of a field are one key. */
export interface GoverningKey {
  readonly name: string
  readonly spellings: readonly string[]
  readonly kind: Kind
}

/** Folded spelling → key. */
export type GoverningKeys = ReadonlyMap<string, GoverningKey>

const text = (...names: string[]) => names.map(name => [name, 'string'] as const)
const flags = (...names: string[]) => names.map(name => [name, 'boolean'] as const)
const numbers = (...names: string[]) => names.map(name => [name, 'number'] as const)
const values = (...names: string[]) => names.map(name => [name, 'any'] as const)

const openaiChat = defineKeys([
  ...text('model'),
  ...flags('stream', 'store'),
  ...numbers('n', 'max_tokens', 'max_completion_tokens'),
  ...values('service_tier', 'tools', 'tool_choice', 'web_search_options', 'modalities'),
])
const openaiResponses = defineKeys([
  ...text('model'),
  ...flags('stream', 'store', 'background'),
  ...numbers('max_output_tokens', 'max_tool_calls'),
  ...values('service_tier', 'tools', 'tool_choice', 'previous_response_id', 'conversation'),
])
const anthropic = defineKeys([
  ...text('model'),
  ...flags('stream'),
  ...numbers('max_tokens'),
  ...values('service_tier', 'speed', 'tools', 'tool_choice'),
])
const gemini = defineKeys([
  ...text('model'),
  ...values('generationConfig', 'tools', 'toolConfig', 'cachedContent', 'requests', 'generateContentRequest'),
])
const plain = defineKeys([
  ...text('model'),
  ...flags('stream'),
  ...numbers('n', 'partial_images', 'duration', 'seconds', 'top_n', 'dimensions'),
  ...values('size', 'quality', 'resolution'),
])

/** Inside the requests that bodies of counting and embedding hold. */
export const geminiRequestKeys = defineKeys(text('model'))

/** Inside Gemini's `generationConfig`. */
export const geminiConfigKeys = defineKeys(numbers('maxOutputTokens', 'candidateCount'))

/** The governing keys of a body, by the dialect and operation that it is for. */
export function governingKeys(dialect: DialectName, operation: Operation): GoverningKeys {
  if (dialect === 'gemini') return gemini
  if (dialect === 'anthropic') return anthropic
  if (dialect === 'openai-responses') return openaiResponses
  return operation === 'chat' || operation === 'completions' ? openaiChat : plain
}

const promptNames: ReadonlySet<string> = new Set([
  ...['messages', 'prompt', 'input', 'instruction', 'instructions', 'suffix', 'prefix', 'query', 'documents'],
  ...['system', 'contents', 'content', 'systeminstruction', 'system_instruction', 'functions', 'prediction'],
])

/** Whether a member of this name is what a model is asked, in any dialect and any case. */
export const isPromptName = (name: string) => promptNames.has(foldName(name))

/**
 * Simple case folding, as Go's and other case-blind readers do it: lower case, and the two characters outside ASCII that fold
 * into it (U+017F long s; U+212A Kelvin sign, which JavaScript lowers by itself).
 */
export function foldName(name: string): string {
  return name.toLowerCase().replaceAll('\u017f', 's')
}

function defineKeys(entries: readonly (readonly [string, Kind])[]): GoverningKeys {
  const keys = new Map<string, GoverningKey>()
  for (const [name, kind] of entries) {
    const snake = name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
    const key = { name, kind, spellings: snake === name ? [name] : [name, snake] }
    for (const spelling of key.spellings) keys.set(foldName(spelling), key)
  }
  return keys
}
