/** The longest wait that a client is told: an upstream's longer one says that it is gone, not when to come back. */
const retryAfterMsMax = 300_000

/**
 * How long an upstream asks to wait, milliseconds: `retry-after-ms`, `retry-after` as seconds or as an HTTP date. At most 300 s.
 * Sources: RFC 9110 §10.2.3; openai-node, `retry-after-ms`; read 2026-11-25.
 */
export function readRetryAfter(
  header: (name: string) => string | undefined,
  now = Date.now,
): number | undefined {
  const milliseconds = Number(header('retry-after-ms') ?? Number.NaN)
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return Math.min(milliseconds, retryAfterMsMax)
  const text = header('retry-after')
  if (text === undefined) return undefined
  const seconds = Number(text)
  if (Number.isFinite(seconds) && seconds >= 0) return Math.min(seconds * 1_000, retryAfterMsMax)
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at - now(), 0), retryAfterMsMax)
}
