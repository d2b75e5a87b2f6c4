import { PricingError } from './pricing-error.ts'

/** An exact fraction, never negative; `den` > 0. */
export interface Rational {
  readonly num: bigint
  readonly den: bigint
}

/**
 * A decimal string with at most 12 digits on each side of the point (`0.8`), or an exact fraction (`25/3`).
 * Throws `PricingError` on anything else: signs, exponents, a zero below the line.
 */
export function parseRatio(text: string): Rational {
  const decimal = /^(\d{1,12})(?:\.(\d{1,12}))?$/.exec(text)
  if (decimal !== null) {
    const [, whole = '', fraction = ''] = decimal
    return reduce({ num: BigInt(whole + fraction), den: 10n ** BigInt(fraction.length) })
  }
  const [, num = '', den = ''] = /^(\d{1,18})\/(\d{1,18})$/.exec(text) ?? []
  if (den === '' || BigInt(den) === 0n) {
    throw new PricingError(
      `'${text}' is not a number of this kind: write a decimal like 0.8 or a fraction like 25/3`,
    )
  }
  return reduce({ num: BigInt(num), den: BigInt(den) })
}

/** Not reduced: reducing costs more than it saves between two steps. */
export function multiply(left: Rational, right: Rational): Rational {
  return { num: left.num * right.num, den: left.den * right.den }
}

export function add(left: Rational, right: Rational): Rational {
  if (left.den === right.den) return { num: left.num + right.num, den: left.den }
  return { num: left.num * right.den + right.num * left.den, den: left.den * right.den }
}

/** To the nearest integer, a half upward. The one place where money is rounded. */
export function roundHalfUp({ num, den }: Rational): bigint {
  return (2n * num + den) / (2n * den)
}

export function leastCommonMultiple(left: bigint, right: bigint): bigint {
  return (left / greatestCommonDivisor(left, right)) * right
}

export function reduce({ num, den }: Rational): Rational {
  const divisor = greatestCommonDivisor(num, den)
  return { num: num / divisor, den: den / divisor }
}

function greatestCommonDivisor(left: bigint, right: bigint): bigint {
  let [larger, smaller] = [left, right]
  while (smaller !== 0n) [larger, smaller] = [smaller, larger % smaller]
  return larger
}
