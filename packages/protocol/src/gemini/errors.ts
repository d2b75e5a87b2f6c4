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
  const status = errorStatus(error.class, 'gemini')
  const seconds =
    error.retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(error.retryAfterMs / 1000))
  return {
    status,
    body: {
      error: {
        code: status,
        message: messageOf(error),
        status: errorClasses[error.class].gemini,
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

/**
 * An error object, or a prompt that was blocked: that answer has no candidates. Streamed answers come as a
 * list.
 */
export function findError(body: unknown): UpstreamError | undefined {
  return findUpstreamError('gemini', body) ?? findBlock(Array.isArray(body) ? body[0] : body)
}

/**
 * A blocked prompt; Google sends it with status 200, the SDKs' users know it as a refusal of what they asked.
 */
export function findBlock(answer: unknown): UpstreamError | undefined {
  const feedback = wireAt(answer, 'promptFeedback')
  const reason = textAt(feedback, 'blockReason')
  if (reason === '' || listAt(answer, 'candidates').length > 0) return undefined
  const message = textAt(feedback, 'blockReasonMessage') || `the prompt was blocked: ${reason}`
  return { class: 'content_policy', status: 400, message, upstreamCode: reason }
}

/** Google's own sentence, which clients match in order to compact the conversation. */
function messageOf(error: ToldError): string {
  if (error.class !== 'context_length') return error.message
  const numbers = findContextNumbers(error.message)
  if (!numbers) return `The input token count exceeds the maximum number of tokens allowed. ${error.message}`
  return `The input token count (${numbers.tokens}) exceeds the maximum number of tokens allowed (${numbers.max}).`
}
