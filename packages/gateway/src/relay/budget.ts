import { GatewayError } from './gateway-error.ts'

/** One bound over the bytes of all bodies, answers and held tails of this process. */
export interface ByteBudget {
  /** Takes `bytes`, or refuses: the newest work gives way. @throws GatewayError `shed` */
  take(bytes: number): void
  /** The same with an answer instead of an error. */
  tryTake(bytes: number): boolean
  give(bytes: number): void
  readonly used: number
}

export function createByteBudget(bytesMax: number, onShed: () => void): ByteBudget {
  let used = 0
  function tryTake(bytes: number): boolean {
    if (used + bytes > bytesMax) {
      onShed()
      return false
    }
    used += bytes
    return true
  }

  return {
    tryTake,
    take(bytes) {
      if (!tryTake(bytes)) {
        throw new GatewayError('shed', 'the gateway holds as many bytes as it may at once; try again', {
          retryAfterMs: 1_000,
        })
      }
    },
    give(bytes) {
      used -= bytes
    },
    get used() {
      return used
    },
  }
}
