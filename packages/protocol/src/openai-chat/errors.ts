import { errorStatus, type RenderedError, type ToldError, type UpstreamError } from '../errors.ts'
import { openAiError } from '../told-errors.ts'
import { findUpstreamError, parseUpstreamError } from '../upstream-errors.ts'
import { failedFinishes } from './answer.ts'

/** `{"error":{message,type,code,param}}`, as `APIError` of `openai` 7.57 reads it. */
export function renderError(error: ToldError): RenderedError {
  return {
    status: error.status ?? errorStatus(error.class, 'openai-chat'),
    body: { error: openAiError(error, 'messages') },
  }
}

/** The SDK throws at a chunk with `error`; other clients wait for `[DONE]`. */
export function renderErrorFrame(error: ToldError): string {
  return `data: ${JSON.stringify(renderError(error).body)}\n\ndata: [DONE]\n\n`
}

export function parseError(status: number, body: unknown): UpstreamError {
  return parseUpstreamError('openai-chat', status, body)
}

/** An error object, or an answer whose choices all ended in one. */
export function findError(body: unknown): UpstreamError | undefined {
  return findUpstreamError('openai-chat', body) ?? failedFinishes(body)
}
