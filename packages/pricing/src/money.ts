import { PricingError } from './pricing-error.ts'

declare const brand: unique symbol
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name }

/** 1 = 10⁻⁹ USD. Never a JS number. */
export type NanoUsd = Brand<bigint, 'NanoUsd'>

const digits = 9
const nanosPerUsd = 10n ** BigInt(digits)
/** What a signed 64-bit column holds: ±9.22·10⁹ USD. */
const nanosMax = 2n ** 63n - 1n

export const nanoUsd = (nanos: bigint) => nanos as NanoUsd

/**
 * A decimal USD amount (`10`, `10.00`, `-0.000000001`), exact to the nano-dollar.
 * Throws `PricingError` on any other notation, a tenth fractional digit, or an amount beyond 64 bits.
 */
export function parseUsd(text: string): NanoUsd {
  const found = /^(-?)(\d{1,19})(?:\.(\d{1,9}))?$/.exec(text)
  if (found === null) {
    throw new PricingError(
      `'${text}' is not an amount in USD: write digits with at most nine after the point, like 10.00`,
    )
  }
  const [, sign, whole = '', fraction = ''] = found
  const nanos = BigInt(whole) * nanosPerUsd + BigInt(fraction.padEnd(digits, '0'))
  if (nanos > nanosMax) throw new PricingError(`${text} USD is too much: an amount is below 9.22 billion`)
  return nanoUsd(sign === '-' ? -nanos : nanos)
}

/** `12.345678901`: always nine digits after the point; a minus sign only below zero. */
export function formatUsd(amount: NanoUsd): string {
  const nanos = amount < 0n ? -amount : amount
  const whole = nanos / nanosPerUsd
  const fraction = (nanos % nanosPerUsd).toString().padStart(digits, '0')
  return `${amount < 0n ? '-' : ''}${whole}.${fraction}`
}
