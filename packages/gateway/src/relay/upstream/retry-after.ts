import type { UpstreamError } from '@yumen/protocol'

/**
 * How long an upstream asks to wait, milliseconds, as far as it wrote: `retry-after-ms`, `retry-after`, else the reset of a bucket that
 * is empty. What is blank or cannot be read is absent. Sources: RFC 9110 §10.2.3; openai-node, `retry-after-ms`; platform.openai.com
 * "Rate limits" and docs.anthropic.com "Rate limits", their headers; read 2026-11-25.
 */
export function readRetryAfter(
  header: (name: string) => string | undefined,
  now = Date.now,
): number | undefined {
  return (
    readNumber(header('retry-after-ms')) ?? readWait(header('retry-after'), now) ?? resetOfEmpty(header, now)
  )
}

/** The error with no longer a wait than `waitMsMax`, whether a header or a body named it. */
export function boundWait(error: UpstreamError, waitMsMax: number): UpstreamError {
  const { retryAfterMs } = error
  if (retryAfterMs === undefined || retryAfterMs <= waitMsMax) return error
  return { ...error, retryAfterMs: waitMsMax }
}

const buckets = [
  { remaining: 'x-ratelimit-remaining-requests', reset: 'x-ratelimit-reset-requests' },
  { remaining: 'x-ratelimit-remaining-tokens', reset: 'x-ratelimit-reset-tokens' },
  ...['requests', 'tokens', 'input-tokens', 'output-tokens'].map(name => ({
    remaining: `anthropic-ratelimit-${name}-remaining`,
    reset: `anthropic-ratelimit-${name}-reset`,
  })),
]

/** The longest wait of the buckets that are empty: the others say nothing of this refusal. */
function resetOfEmpty(header: (name: string) => string | undefined, now: () => number): number | undefined {
  const waits = buckets.flatMap(({ remaining, reset }) => {
    const wait = header(remaining) === '0' ? readWait(header(reset), now) : undefined
    return wait === undefined ? [] : [wait]
  })
  return waits.length === 0 ? undefined : Math.max(...waits)
}

/** Seconds, a span or a moment. `Date.parse` alone would read "5" as a day in May. */
function readWait(text: string | undefined, now: () => number): number | undefined {
  if (text === undefined) return undefined
  const seconds = readNumber(text)
  return seconds === undefined ? (readSpan(text) ?? readMoment(text, now)) : seconds * 1_000
}

function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** OpenAI's spans: `20ms`, `1.5s`, `6m0s`. */
function readSpan(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/.test(text)) return undefined
  let sum = 0
  for (const [, count = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g))
    sum += Number(count) * (unitsMs[unit] ?? 0)
  return sum
}

/** Anthropic's moments (RFC 3339), and the three forms of an HTTP date (RFC 9110 §5.6.7); the last of them has no zone and means GMT. */
const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i
const httpDate = /^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?, .* GMT$/i
const ansiDate = /^(?:mon|tue|wed|thu|fri|sat|sun) [a-z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/i

function readMoment(text: string, now: () => number): number | undefined {
  const isZoned = timestamp.test(text) || httpDate.test(text)
  if (!isZoned && !ansiDate.test(text)) return undefined
  const at = Date.parse(isZoned ? text : `${text} GMT`)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now())
}
