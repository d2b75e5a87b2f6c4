import type { DialectName } from '@yumen/protocol'
import type { Counter, Standing } from '#limiting'

type Writer = (standing: Standing) => string[]

/**
 * How the caller's limits stand, as the dialect's own service says it; Gemini has no such headers. Sources: OpenAI's "Rate limits
 * in headers" (durations), Anthropic's "Rate limits: response headers" (times of RFC 3339), read 2026-11-25.
 */
const writers: Readonly<Record<DialectName, Writer | undefined>> = {
  'openai-chat': writeOpenai,
  'openai-responses': writeOpenai,
  anthropic: writeAnthropic,
  gemini: undefined,
}

export function rateHeaders(dialect: DialectName, standing: Standing | undefined): readonly string[] {
  return (standing && writers[dialect]?.(standing)) ?? []
}

function writeOpenai({ requests, tokens }: Standing): string[] {
  const headers: string[] = []
  const write = (unit: string, counter: Counter | undefined) => {
    if (counter === undefined) return
    headers.push(`x-ratelimit-limit-${unit}`, String(counter.limit))
    headers.push(`x-ratelimit-remaining-${unit}`, String(counter.remaining))
    headers.push(`x-ratelimit-reset-${unit}`, renderDuration(counter.resetMs))
  }
  write('requests', requests)
  write('tokens', tokens)
  return headers
}

function writeAnthropic({ requests, tokens, at }: Standing): string[] {
  const headers: string[] = []
  const write = (unit: string, counter: Counter | undefined) => {
    if (counter === undefined) return
    headers.push(`anthropic-ratelimit-${unit}-limit`, String(counter.limit))
    headers.push(`anthropic-ratelimit-${unit}-remaining`, String(counter.remaining))
    const seconds = Math.ceil((at + counter.resetMs) / 1_000)
    headers.push(
      `anthropic-ratelimit-${unit}-reset`,
      `${new Date(seconds * 1_000).toISOString().slice(0, 19)}Z`,
    )
  }
  write('requests', requests)
  write('tokens', tokens)
  return headers
}

/** `350ms`, `20s`, `1m30s`, `1h0m5s`: as Go writes durations, which is what OpenAI sends. */
export function renderDuration(ms: number): string {
  if (ms < 1_000) return `${ms}ms`
  const hours = Math.floor(ms / 3_600_000)
  const minutes = Math.floor((ms % 3_600_000) / 60_000)
  const seconds = `${(ms % 60_000) / 1_000}s`
  if (hours > 0) return `${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}
