import type { Usage } from '@yumen/protocol'
import { type NanoUsd, nanoUsd } from './money.ts'
import { type ChargeItem, chargeItems, partitionUsage } from './partition.ts'
import { PricingError } from './pricing-error.ts'
import { leastCommonMultiple, multiply, parseRatio, type Rational, reduce, roundHalfUp } from './rational.ts'

/** The rates that a price may name, as the declarative file writes them. */
const rateKeys = [
  'input',
  'output',
  'cacheRead',
  'cacheWrite',
  'cacheWrite5m',
  'cacheWrite1h',
  'imageInput',
  'imageOutput',
  'audioInput',
  'audioOutput',
  'audioCacheRead',
  'reasoning',
  'perCall',
] as const
type RateKey = (typeof rateKeys)[number]

/** Decimal strings or exact fractions: USD per million tokens, `perCall` USD per call. */
export type PriceRates = { readonly [Key in RateKey]?: string | undefined }

/**
 * Whose rate an item is charged at: the first of these that the price names. Output without a rate costs what
 * input does, because a model is free only by a rate of zero; `reasoning` is an item of its own only where
 * its rate is named.
 */
const fallbacks = {
  input: ['input'],
  cacheRead: ['cacheRead', 'input'],
  audioCacheRead: ['audioCacheRead', 'cacheRead', 'audioInput', 'input'],
  cacheWrite5m: ['cacheWrite5m', 'cacheWrite', 'input'],
  cacheWrite30m: ['cacheWrite', 'input'],
  cacheWrite1h: ['cacheWrite1h', 'cacheWrite', 'input'],
  cacheWrite12h: ['cacheWrite', 'input'],
  audioInput: ['audioInput', 'input'],
  imageInput: ['imageInput', 'input'],
  output: ['output', 'input'],
  reasoning: ['reasoning', 'output', 'input'],
  audioOutput: ['audioOutput', 'output', 'input'],
  imageOutput: ['imageOutput', 'output', 'input'],
  perCall: ['perCall'],
} as const satisfies Record<ChargeItem, readonly RateKey[]>

/** How one item is charged. */
interface Line {
  readonly item: ChargeItem
  /** As written, and the key that it was written under: another than the item's own after a fallback. */
  readonly rate: string
  readonly rateOf: RateKey
  /** Nano-dollars per unit, times the price's `den`. */
  readonly perUnit: bigint
}

/** A price, parsed once and used for many charges: all its rates are integers over one denominator. */
export interface Price {
  readonly rates: PriceRates
  readonly lines: readonly Line[]
  readonly den: bigint
  readonly splitsReasoning: boolean
}

export interface ChargeTerm {
  readonly item: ChargeItem
  readonly units: number
  /** As the price writes it, and the rate's name there: another than `item` after a fallback. */
  readonly rate: string
  readonly rateOf: RateKey
  /** `units` × `rate` in nano-dollars, exact, before the group's ratio. */
  readonly amount: Rational
}

/** What one request costs: `total` = Σ `amount` × group ratio, rounded once, half-up. */
export interface Charge {
  readonly terms: readonly ChargeTerm[]
  readonly total: NanoUsd
}

/**
 * Rates → a price ready for charging. Throws `PricingError` when a rate is unknown or cannot be read, or when
 * there are rates for tokens but none for input (write "0" where it is free).
 */
export function parsePrice(rates: PriceRates): Price {
  checkRates(rates)
  const perUnit = new Map<RateKey, Rational>()
  for (const key of rateKeys) {
    const rate = rates[key]
    if (rate !== undefined) perUnit.set(key, reduce(multiply(parseRatio(rate), nanosPerUnit(key))))
  }
  let den = 1n
  for (const rate of perUnit.values()) den = leastCommonMultiple(den, rate.den)
  const lines = chargeItems.flatMap((item): readonly Line[] => {
    const rateOf = fallbacks[item].find(key => perUnit.has(key))
    const rate = rateOf && rates[rateOf]
    const exact = rateOf && perUnit.get(rateOf)
    if (rate === undefined || exact === undefined || rateOf === undefined) return []
    return [{ item, rate, rateOf, perUnit: exact.num * (den / exact.den) }]
  })
  return { rates, lines, den, splitsReasoning: rates.reasoning !== undefined }
}

/** The charge for `usage` under `price`. Exact rationals; rounded once, half-up, to the nano-dollar. Pure. */
export function computeCharge(usage: Usage, price: Price, groupRatio: Rational): Charge {
  const units = partitionUsage(usage, price.splitsReasoning)
  const terms: ChargeTerm[] = []
  let sum = 0n
  for (const { item, rate, rateOf, perUnit } of price.lines) {
    if (units[item] === 0) continue
    const num = BigInt(units[item]) * perUnit
    sum += num
    terms.push({ item, units: units[item], rate, rateOf, amount: { num, den: price.den } })
  }
  return { terms, total: nanoUsd(roundHalfUp(multiply({ num: sum, den: price.den }, groupRatio))) }
}

/** USD per million tokens is 10⁹/10⁶ nano-dollars per token; USD per call 10⁹ per call. */
function nanosPerUnit(key: RateKey): Rational {
  return { num: key === 'perCall' ? 1_000_000_000n : 1_000n, den: 1n }
}

function checkRates(rates: PriceRates): void {
  const known: readonly string[] = rateKeys
  const named = Object.entries(rates).flatMap(([key, rate]) => (rate === undefined ? [] : [key]))
  const unknown = named.find(key => !known.includes(key))
  if (unknown !== undefined) throw new PricingError(`'${unknown}' is not a rate: use ${rateKeys.join(', ')}`)
  if (named.length === 0) throw new PricingError('a price names no rate: a free model has an input of "0"')
  if (rates.input === undefined && named.some(key => key !== 'perCall')) {
    throw new PricingError('a price per token needs a rate for input: write "0" where it is free')
  }
}
