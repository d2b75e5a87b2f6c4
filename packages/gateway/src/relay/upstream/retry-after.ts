/** The longest wait that a client is told: an upstream's longer one says that it is gone, not when to come back. */
const retryAfterMsMax = 300_000

/**
 * How long an upstream asks to wait, milliseconds: `retry-after-ms`, `retry-after` as seconds or as an HTTP date, else the reset of a
 * bucket that is empty. At most 300 s. Sources: RFC 9110 §10.2.3; openai-node, `retry-after-ms`; platform.openai.com "Rate limits" and
 * docs.anthropic.com "Rate limits", their headers; read 2026-11-25.
 */
export function readRetryAfter(
  header: (name: string) => string | undefined,
  now = Date.now,
): number | undefined {
  const milliseconds = Number(header('retry-after-ms') ?? Number.NaN)
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return Math.min(milliseconds, retryAfterMsMax)
  const text = header('retry-after')
  if (text === undefined) return resetOfEmpty(header, now)
  const seconds = Number(text)
  if (Number.isFinite(seconds) && seconds >= 0) return Math.min(seconds * 1_000, retryAfterMsMax)
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at - now(), 0), retryAfterMsMax)
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
    const text = header(remaining) === '0' ? header(reset) : undefined
    const wait = text === undefined ? undefined : (readSpan(text) ?? readMoment(text, now))
    return wait === undefined ? [] : [wait]
  })
  return waits.length === 0 ? undefined : Math.min(Math.max(...waits), retryAfterMsMax)
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

/** Anthropic's moments: RFC 3339. */
function readMoment(text: string, now: () => number): number | undefined {
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now())
}
