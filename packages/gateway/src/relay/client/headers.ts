import type { RequestLog } from '../request-log.ts'
import { rateHeaders } from './rate-headers.ts'

/**
 * Headers of an answer, flat: a closed list. Nothing of the upstream's is taken over but the content type. `wantsDebug` shows
 * administrators which channels were tried.
 */
export function answerHeaders(
  log: RequestLog,
  { contentType, wantsDebug }: { contentType: string; wantsDebug: boolean },
): string[] {
  const headers = ['content-type', contentType, 'x-request-id', log.id]
  if (log.target.dialect === 'anthropic') headers.push('request-id', log.id)
  if (log.standing !== undefined) headers.push(...rateHeaders(log.target.dialect, log.standing))
  if (log.warnings.length > 0) headers.push('x-yumen-warnings', log.warnings.join(', ').slice(0, 2_048))
  if (wantsDebug && log.caller !== undefined && log.caller.role !== 'user') {
    headers.push('x-yumen-channel', encodeURIComponent(log.candidate?.channel.name ?? ''))
    headers.push(
      'x-yumen-attempts',
      log.attempts
        .map(({ channel, class: outcome, ms }) => `${encodeURIComponent(channel)}:${outcome}:${ms}`)
        .join(','),
    )
  }
  return headers
}

export function streamHeaders(log: RequestLog, what: { contentType: string; wantsDebug: boolean }): string[] {
  return [...answerHeaders(log, what), 'cache-control', 'no-cache', 'x-accel-buffering', 'no']
}
