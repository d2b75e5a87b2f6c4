import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Channel } from '#catalog'
import { GatewayError } from './gateway-error.ts'
import { createClientIp } from './incoming/client-ip.ts'
import { createOverload } from './incoming/overload.ts'
import { createShares } from './incoming/shares.ts'
import type { RelayParts, RelayServices } from './parts.ts'
import { relay } from './relay.ts'
import { createRoster } from './roster.ts'
import { createSensitiveCheck } from './sensitive/index.ts'
import { type ChannelTest, testChannel } from './test-channel.ts'

export interface Relay {
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Requests between their first and last byte. */
  readonly inFlight: number
  readonly openStreams: number
  readonly bytesInFlight: number
  /** No new requests; resolves when the last one has ended, at the latest after `drainMs`, when streams are cut in good form. */
  drain(drainMs: number): Promise<void>
  /** A small real call by each key of a channel; `undefined` when it offers nothing that one fits. */
  test(channel: Channel): Promise<readonly ChannelTest[] | undefined>
  close(): void
}

/** How late a deadline may be noticed. Ten thousand streams take some 2 ms of each second. */
const sweepMs = 250

/** The relay with its state and its sweep, which looks at every deadline: no request has a timer of its own. */
export function createRelay(services: RelayServices): Relay {
  let isDraining = false
  let inFlight = 0
  const { clock, limits, observer, journal } = services
  const onShed = (limit: string) => observer.onShed(limit)
  const overload = createOverload({ ...limits, loopDelayMs: services.loopDelayMs, onShed })
  const parts: RelayParts = {
    ...services,
    shares: createShares({
      limits,
      streamsPerKeyMax: () => services.snapshot().options['server.streamsPerKeyMax'],
      onShed,
    }),
    checkSensitive: createSensitiveCheck({
      options: () => services.snapshot().options,
      sliceBytesMax: limits.sensitiveSliceBytesMax,
    }),
    reads: createRoster(),
    calls: createRoster(),
    streams: createRoster(),
    onSettled: record => observer.onSettled(record),
    onBug: error => observer.onBug('', error),
    usageRefusers: new WeakSet(),
    clientIp: createClientIp(() => services.snapshot().options['server.trustedProxies']),
    checkAccepting() {
      if (isDraining)
        throw new GatewayError('shed', 'the gateway is going down; try again', { retryAfterMs: 1_000 })
      overload.check()
      if (journal.isAccepting) return
      observer.onShed('journal')
      throw new GatewayError('shed', 'the gateway cannot record requests just now; try again', {
        retryAfterMs: 2_000,
      })
    },
  }

  function sweep(): void {
    const now = clock()
    overload.look()
    for (const call of parts.calls) call.checkDeadlines(now)
    for (const stream of parts.streams) stream.sweep(now)
    for (const read of parts.reads) {
      if (now - read.lastByteAt < limits.bodyIdleTimeoutMs) continue
      read.fail(new GatewayError('invalid_request', 'the request body stopped coming', { status: 408 }))
    }
  }
  const timer = setInterval(sweep, sweepMs)
  timer.unref()

  return {
    handle(request, response) {
      inFlight++
      relay(parts, request, response)
        .catch((error: unknown) => observer.onBug('', error))
        .finally(() => {
          inFlight--
        })
    },
    get inFlight() {
      return inFlight
    },
    get openStreams() {
      return parts.streams.size
    },
    get bytesInFlight() {
      return parts.shares.bytesUsed
    },
    async drain(drainMs) {
      isDraining = true
      const endsAt = clock() + drainMs
      while (inFlight > 0 && clock() < endsAt) await sleep(20)
      for (const stream of parts.streams) stream.cut('the gateway is going down; try again')
      for (const call of parts.calls) call.shed('the gateway is going down; try again')
      const lastAt = clock() + 1_000
      while (inFlight > 0 && clock() < lastAt) await sleep(10)
    },
    test: channel => testChannel(parts, channel),
    close: () => clearInterval(timer),
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
