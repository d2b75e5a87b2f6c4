interface TimedChannel {
  readonly timeLimits: { readonly totalTimeoutMs: number }
}

/** The longest that a request which begins now may take: the client sends it, then the slowest channel answers. Pure. */
export function longestRequestMs(
  { requestTimeoutMs }: { readonly requestTimeoutMs: number },
  channels: Iterable<TimedChannel>,
): number {
  let longestMs = 0
  for (const { timeLimits } of channels) longestMs = Math.max(longestMs, timeLimits.totalTimeoutMs)
  return requestTimeoutMs + longestMs
}
