import { type DialectName, dialects } from '@yumen/protocol'
import { expect, test } from 'vitest'
import { limits } from '#config'
import { fail } from './fail.ts'
import { GatewayError } from './gateway-error.ts'

/** What a client is sent for `error`: headers by name, and the body. */
function sent(dialect: DialectName, error: GatewayError) {
  let headers: readonly string[] = []
  let body = ''
  const reply = {
    isStarted: false,
    sendWhole(_status: number, given: readonly string[], text: string) {
      headers = given
      body = text
    },
  } as never // decoding: what a failure without a stream asks of a reply
  const parts = { limits, observer: { onRefused: () => undefined, onBug: () => undefined } } as never // decoding: the same of the parts
  fail(parts, { reply, dialect: dialects[dialect], requestId: 'id', log: undefined }, error)
  const named = (name: string) => {
    const at = headers.indexOf(name)
    return at < 0 ? undefined : headers[at + 1]
  }
  return { seconds: named('retry-after'), ms: named('retry-after-ms'), body }
}

const busy = (retryAfterMs: number) => new GatewayError('rate_limited', 'busy', { retryAfterMs })

test.each<[DialectName, string | undefined]>([
  ['openai-chat', '1500'],
  ['openai-responses', '1500'],
  ['anthropic', undefined],
  ['gemini', undefined],
])('%s: retry-after-ms is %s', (dialect, ms) => {
  expect(sent(dialect, busy(1_500))).toMatchObject({ seconds: '2', ms })
})

test('a client is told at most five minutes while upstreams rest, and its own limit as it is', () => {
  expect(sent('openai-chat', busy(3_600_000))).toMatchObject({ seconds: '300', ms: '300000' })
  expect(sent('gemini', busy(3_600_000)).body).toContain('"retryDelay":"300s"')
  const own = new GatewayError('rate_limited_client', 'too many', { retryAfterMs: 3_600_000 })
  expect(sent('openai-chat', own).seconds).toBe('3600')
})
