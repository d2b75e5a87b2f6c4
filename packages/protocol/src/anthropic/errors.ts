import {
  errorClasses,
  errorStatus,
  type RenderedError,
  type ToldError,
  type UpstreamError,
} from '../errors.ts'
import { findContextNumbers } from '../told-errors.ts'
import { findUpstreamError, parseUpstreamError } from '../upstream-errors.ts'

/**
 * `{"type":"error","error":{type,message},"request_id"}`, as `APIError` of `@anthropic-ai/sdk` 1.13 reads it.
 */
export function renderError(error: ToldError): RenderedError {
  return {
    status: errorStatus(error.class, 'anthropic'),
    body: {
      type: 'error',
      error: { type: errorClasses[error.class].anthropic, message: messageOf(error) },
      request_id: error.requestId,
    },
  }
}

/** Nothing follows it. */
export function renderErrorFrame(error: ToldError): string {
  return `event: error\ndata: ${JSON.stringify(renderError(error).body)}\n\n`
}

export function parseError(status: number, body: unknown): UpstreamError {
  return parseUpstreamError('anthropic', status, body)
}

export function findError(body: unknown): UpstreamError | undefined {
  return findUpstreamError('anthropic', body)
}

/** Clients compact the conversation when a message starts with `prompt is too long: N tokens > M maximum`. */
function messageOf(error: ToldError): string {
  if (error.class !== 'context_length') return error.message
  const numbers = findContextNumbers(error.message)
  if (numbers) return `prompt is too long: ${numbers.tokens} tokens > ${numbers.max} maximum`
  return error.message.startsWith('prompt is too long')
    ? error.message
    : `prompt is too long: ${error.message}`
}
