import type { StreamTap } from '../dialect.ts'
import {
  type ErrorClass,
  errorStatus,
  type RenderedError,
  type ToldError,
  type UpstreamError,
} from '../errors.ts'
import { openAiError } from '../told-errors.ts'
import { findUpstreamError, parseUpstreamError } from '../upstream-errors.ts'
import { ResponsesTap } from './stream.ts'

/** `{"error":{message,type,code,param}}`, as in chat completions. */
export function renderError(error: ToldError): RenderedError {
  return {
    status: error.status ?? errorStatus(error.class, 'openai-responses'),
    body: { error: openAiError(error, 'input') },
  }
}

/**
 * `response.failed` once `response.created` was sent, with that response as far as it goes and the next
 * sequence number; before it only `event: error`, since nothing has an id yet. There is no terminator beside
 * them.
 */
export function renderErrorFrame(error: ToldError, tap?: StreamTap): string {
  const opened = tap instanceof ResponsesTap ? tap : undefined
  const sequence_number = opened?.nextSequence ?? 0
  const { message, code, param } = openAiError(error, 'input')
  if (!opened?.head) return frame({ type: 'error', code, message, param, sequence_number })
  const failed = {
    status: 'failed',
    error: { code: failureCode(error.class), message },
    output: opened.items.list(),
  }
  return frame({ type: 'response.failed', sequence_number, response: { ...opened.head, ...failed } })
}

export function parseError(status: number, body: unknown): UpstreamError {
  return parseUpstreamError('openai-responses', status, body)
}

/** An error object, or a response that failed. */
export function findError(body: unknown): UpstreamError | undefined {
  return findUpstreamError('openai-responses', body)
}

function frame(event: { readonly type: string } & Record<string, unknown>): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

/**
 * `ResponseError.code` of `openai` 7.57 is a closed list; `context_length_exceeded` is not in it, but Codex
 * reads it.
 */
function failureCode(error: ErrorClass): string {
  switch (error) {
    case 'rate_limited':
    case 'rate_limited_client':
      return 'rate_limit_exceeded'
    case 'content_policy':
      return 'invalid_prompt'
    case 'context_length':
      return 'context_length_exceeded'
    default:
      return 'server_error'
  }
}
