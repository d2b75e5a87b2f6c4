import { GatewayError } from '../gateway-error.ts'

export interface OverloadParts {
  readonly loopDelayMsMax: number
  /** Mean delay of the event loop since this was last asked, milliseconds. */
  readonly loopDelayMs: () => number
  readonly onShed: (limit: string) => void
}

/** Sheds new requests while the event loop is so late that they would only make all others later. */
export interface Overload {
  /** Looks at the delay: by the sweep, never by a request. */
  look(): void
  /** @throws GatewayError `shed` */
  check(): void
}

/** One long turn (a collection, a large body) is no overload: so many looks in a row are, one second of them. */
const lateLooksMin = 4

export function createOverload({ loopDelayMsMax, loopDelayMs, onShed }: OverloadParts): Overload {
  let lateLooks = 0
  return {
    look() {
      lateLooks = nextLateLooks(lateLooks, loopDelayMs(), loopDelayMsMax)
    },
    check() {
      if (lateLooks < lateLooksMin) return
      onShed('loopDelayMsMax')
      throw new GatewayError('shed', 'the gateway has more to do than it can just now; try again', {
        retryAfterMs: 2_000,
      })
    },
  }
}

/** Begins above the limit, ends below its half: in between it stays as it was, so that it does not flicker. */
function nextLateLooks(lateLooks: number, delayMs: number, delayMsMax: number): number {
  if (delayMs > delayMsMax) return lateLooks + 1
  return lateLooks >= lateLooksMin && delayMs > delayMsMax / 2 ? lateLooks : 0
}
