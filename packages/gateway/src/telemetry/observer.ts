import type { SettledRecord } from '#journal'
import type { RelayObserver } from '#relay'
import { errorFields, type Log } from './log.ts'
import type { Metrics } from './metrics.ts'

/** Turns the relay's events into metrics and log lines: one line per request, at its end. */
export function createObserver({ log, metrics }: { log: Log; metrics: () => Metrics }): RelayObserver {
  return {
    onSettled(record) {
      const { countRequest, countAttempt, firstByte, request } = metrics()
      const { facts, timings } = record
      countRequest(`${facts.dialect} ${facts.operation} ${record.class}`)
      for (const attempt of facts.attempts) countAttempt(attempt.class)
      if (timings.firstByte !== undefined) firstByte.observe(timings.firstByte / 1_000)
      request.observe(timings.ended / 1_000)
      if (record.class === 'ok') log.debug(lineOf(record), 'request')
      else log.info(lineOf(record), 'request')
    },
    onRefused(refusal) {
      metrics().countRequest(`${refusal.dialect} unknown ${refusal.class}`)
      log.debug(refusal, 'refused')
    },
    onRateLimited: ({ scope, unit }) => metrics().countRateLimited(`${scope} ${unit}`),
    onShed: limit => metrics().shed.inc({ limit }),
    onBug(requestId, error) {
      metrics().bugs.inc()
      log.error({ requestId, ...errorFields(error) }, 'internal error')
    },
  }
}

function lineOf({ facts, charge, class: outcome, status, timings }: SettledRecord) {
  return {
    requestId: facts.id,
    class: outcome,
    status,
    dialect: facts.dialect,
    operation: facts.operation,
    model: facts.model,
    channel: facts.channel,
    attempts: facts.attempts.length,
    apiKeyId: facts.apiKeyId,
    accountId: facts.accountId,
    inputTokens: facts.usage?.input,
    outputTokens: facts.usage?.output,
    chargeNusd: charge.amount,
    firstByteMs: timings.firstByte,
    ms: timings.ended,
  }
}
