import type { Trouble } from '../refusal.ts'
import { raw, wire } from '../wire.ts'

/** Too many requests, with the time to wait in the header given. */
export function rateLimited(
  header: string,
  value: (seconds: number) => string,
): (seconds: number) => Trouble {
  return seconds => {
    const info = wire`{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":${`${seconds}s`}}`
    return { kind: 'rateLimited', headers: [[header, value(seconds)]], details: wire`[${info}]` }
  }
}

/** The one place that needs the clock: a date from now on, as HTTP writes it. */
export function dateIn(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toUTCString()
}

const invalidKey = raw(
  '[{"@type":"type.googleapis.com/google.rpc.ErrorInfo",' +
    '"reason":"API_KEY_INVALID","domain":"googleapis.com"}]',
)

export function revokedKey(): Trouble {
  return { kind: 'keyRevoked', details: invalidKey }
}
