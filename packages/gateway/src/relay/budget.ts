import { GatewayError } from './gateway-error.ts'

/** One bound over the bytes of all bodies, answers and held tails of this process. */
export interface ByteBudget {
  /** Takes `bytes`, or refuses: the newest work gives way. @throws GatewayError `shed` */
  take(bytes: number): void
  give(bytes: number): void
  readonly used: number
}

export function createByteBudget(bytesMax: number, onShed: () => void): ByteBudget {
  let used = 0
  return {
    take(bytes) {
      if (used + bytes > bytesMax) {
        onShed()
        throw new GatewayError('shed', 'the gateway holds as many bytes as it may at once; try again', { retryAfterMs: 1_000 })
      }
      used += bytes
    },
    give(bytes) {
      used -= bytes
    },
    get used() {
      return used
    },
  }
}
