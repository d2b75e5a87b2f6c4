import type { StreamTap } from '../dialect.ts'
import {
  errorClasses,
  errorStatus,
  type RenderedError,
  type ToldError,
  type UpstreamError,
} from '../errors.ts'
import { findContextNumbers } from '../told-errors.ts'
import { findUpstreamError, parseUpstreamError } from '../upstream-errors.ts'
import { MessageTap } from './stream.ts'

/**
 * `{"type":"error","error":{type,message},"request_id"}`, as `APIError` of `@anthropic-ai/sdk` 1.13 reads it.
 */
export function renderError(error: ToldError): RenderedError {
  return {
    status: error.status ?? errorStatus(error.class, 'anthropic'),
    body: {
      type: 'error',
      error: { type: typeOf(error), message: messageOf(error) },
      request_id: error.requestId,
    },
  }
}

/** The open block is stopped first; nothing follows the error. */
export function renderErrorFrame(error: ToldError, tap?: StreamTap): string {
  const open = tap instanceof MessageTap ? tap.openBlock : undefined
  const stop = open === undefined ? '' : frame({ type: 'content_block_stop', index: open })
  return `${stop}event: error\ndata: ${JSON.stringify(renderError(error).body)}\n\n`
}

function frame(event: { readonly type: string } & Record<string, unknown>): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

/** An address that does not exist is their `not_found_error`, whatever the class. */
function typeOf(error: ToldError): string {
  return error.status === 404 ? 'not_found_error' : errorClasses[error.class].anthropic
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
