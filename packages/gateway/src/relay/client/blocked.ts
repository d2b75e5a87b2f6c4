import type { GatewayError } from '../gateway-error.ts'
import type { RequestLog } from '../request-log.ts'
import { createFraming } from './framing.ts'

export interface BlockedAnswer {
  readonly status: 200
  readonly contentType: string
  readonly body: string
}

/**
 * Google has no error for a blocked prompt: it is an answer of status 200 without candidates, whole or as the one event of a stream
 * (`GenerateContentResponse.promptFeedback`; `blockReasonMessage` is from memory, not checked). `undefined`: told as an error.
 */
export function renderBlocked(error: GatewayError, log: RequestLog | undefined): BlockedAnswer | undefined {
  if (error.class !== 'content_policy' || error.native !== undefined) return undefined
  if (log?.target.dialect !== 'gemini' || log.target.operation !== 'chat') return undefined
  const answer = JSON.stringify({
    promptFeedback: { blockReason: 'SAFETY', blockReasonMessage: error.message },
    modelVersion: log.facts?.model,
    responseId: log.id,
  })
  if (!log.target.pathStreams) return { status: 200, contentType: 'application/json', body: answer }
  const framing = createFraming(log.target)
  return { status: 200, contentType: framing.contentType, body: framing.frameOwn(`data: ${answer}\n\n`) }
}
