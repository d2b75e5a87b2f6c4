import {
  errorClasses,
  errorStatus,
  type RenderedError,
  type ToldError,
  type UpstreamError,
} from '../errors.ts'
import { listAt, textAt, wireAt } from '../reading.ts'
import { findContextNumbers } from '../told-errors.ts'
import { findUpstreamError, parseUpstreamError } from '../upstream-errors.ts'

/**
 * `{"error":{code,message,status,details?}}`, Google's `google.rpc.Status` as JSON; `@google/genai` 3.3
 * passes it on whole.
 */
export function renderError(error: ToldError): RenderedError {
  const status = error.status ?? errorStatus(error.class, 'gemini')
  const seconds =
    error.retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(error.retryAfterMs / 1000))
  return {
    status,
    body: {
      error: {
        code: status,
        message: messageOf(error),
        status: error.status === 404 ? 'NOT_FOUND' : errorClasses[error.class].gemini,
        ...(seconds !== undefined && {
          details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${seconds}s` }],
        }),
      },
    },
  }
}

/** The SDK throws at an object with `error` and a `code` of 400 to 599. The grammar has no terminator. */
export function renderErrorFrame(error: ToldError): string {
  return `data: ${JSON.stringify(renderError(error).body)}\n\n`
}

export function parseError(status: number, body: unknown): UpstreamError {
  return parseUpstreamError('gemini', status, body)
}

/** An error object. A prompt that was blocked is none: it is an answer of status 200 that says so. */
export function findError(body: unknown): UpstreamError | undefined {
  return findUpstreamError('gemini', body)
}

/** Whether `answer` says that the prompt was blocked: it has no candidates and is whole as it is. */
export function isBlock(answer: unknown): boolean {
  return (
    textAt(wireAt(answer, 'promptFeedback'), 'blockReason') !== '' &&
    listAt(answer, 'candidates').length === 0
  )
}

/** Google's own sentence, which clients match in order to compact the conversation. */
function messageOf(error: ToldError): string {
  if (error.class !== 'context_length') return error.message
  const numbers = findContextNumbers(error.message)
  if (!numbers) return `The input token count exceeds the maximum number of tokens allowed. ${error.message}`
  return `The input token count (${numbers.tokens}) exceeds the maximum number of tokens allowed (${numbers.max}).`
}
