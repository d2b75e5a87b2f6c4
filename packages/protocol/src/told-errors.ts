import type { ErrorClass, ToldError } from './errors.ts'
import { errorClasses } from './errors.ts'

/** OpenAI's error object, the same in chat completions and Responses. */
interface OpenAiError {
  readonly message: string
  readonly type: string
  readonly code: string
  readonly param: string | null
}

/** `contextParam`: the request member that an overlong prompt is in (`messages`, `input`). */
export function openAiError(error: ToldError, contextParam: string): OpenAiError {
  const { type, code } = errorClasses[error.class].openai
  const isItem = error.class === 'state_not_found' && error.param?.startsWith('input') === true
  return {
    message: error.message,
    type: error.limited ?? type,
    code: isItem ? 'item_not_found' : code,
    param: error.param ?? impliedParam(error.class, contextParam),
  }
}

function impliedParam(error: ErrorClass, contextParam: string): string | null {
  if (error === 'context_length') return contextParam
  return error === 'model_not_found' || error === 'model_not_priced' ? 'model' : null
}

/** Tokens of a prompt and of the window it did not fit in. */
interface ContextNumbers {
  readonly tokens: string
  readonly max: string
}

/** How the three services word an overlong prompt; each pattern names its two numbers. */
const contextWordings: readonly RegExp[] = [
  /prompt is too long: (?<tokens>\d+) tokens > (?<max>\d+) maximum/i,
  /token count \((?<tokens>\d+)\) exceeds the maximum number of tokens allowed \((?<max>\d+)\)/i,
  /maximum context length is (?<max>\d+) tokens.*?(?:resulted in|requested|contains?)(?: about| at least)? (?<tokens>\d+)/is,
]

/** The numbers in the upstream's own message, to be told in the words of another dialect. */
export function findContextNumbers(message: string): ContextNumbers | undefined {
  for (const wording of contextWordings) {
    const { tokens, max } = wording.exec(message)?.groups ?? {}
    if (tokens !== undefined && max !== undefined) return { tokens, max }
  }
  return undefined
}
