import { PricingError, parseRatio } from '@yumen/pricing'
import { textOf } from './schema-parts.ts'

/** A ratio as it is written, from zero to `max`. */
export function ratioUpTo(max: bigint, allowed: string) {
  return textOf(allowed, found => {
    const value = unlessPricingError(() => parseRatio(found))
    return value !== undefined && value.num <= max * value.den ? found : undefined
  })
}

export function unlessPricingError<Value>(parse: () => Value): Value | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof PricingError) return undefined
    throw error
  }
}
