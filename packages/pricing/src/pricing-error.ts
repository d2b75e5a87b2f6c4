/** A price, a ratio or an amount that cannot be read. The message says what was found and what is allowed. */
export class PricingError extends Error {
  override readonly name = 'PricingError'
}
