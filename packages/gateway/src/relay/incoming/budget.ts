/** Bytes that are taken out of what all requests share, and given back. */
export interface ByteBudget {
  /** Takes `bytes`, or refuses: the newest work gives way. @throws GatewayError `shed` */
  take(bytes: number): void
  /** The same with an answer instead of an error. */
  tryTake(bytes: number): boolean
  give(bytes: number): void
}
