import type { Usage } from '@yumen/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { computeCharge, parsePrice } from './price.ts'
import { add, multiply, parseRatio, type Rational, roundHalfUp } from './rational.ts'

const tokens = fc.integer({ min: 0, max: 2_000_000 })
const rate = fc.oneof(
  fc.tuple(fc.nat(500), fc.nat(999_999)).map(([whole, part]) => `${whole}.${String(part).padStart(6, '0')}`),
  fc.tuple(fc.nat(500), fc.integer({ min: 1, max: 97 })).map(([num, den]) => `${num}/${den}`),
)
const price = fc
  .record(
    {
      input: rate,
      output: rate,
      cacheRead: rate,
      cacheWrite: rate,
      cacheWrite5m: rate,
      cacheWrite1h: rate,
      imageInput: rate,
      imageOutput: rate,
      audioInput: rate,
      audioOutput: rate,
      audioCacheRead: rate,
      reasoning: rate,
      perCall: rate,
    },
    { requiredKeys: ['input'] },
  )
  .map(parsePrice)
const ratio = rate.map(parseRatio)
const usage: fc.Arbitrary<Usage> = fc.record({
  input: tokens,
  output: tokens,
  cacheRead: tokens,
  cacheWrite: fc.record({ '5m': tokens, '30m': tokens, '1h': tokens, '12h': tokens }),
  inputBy: fc.record({ audio: tokens, image: tokens }, { requiredKeys: [] }),
  outputBy: fc.record({ audio: tokens, image: tokens }, { requiredKeys: [] }),
  toolUse: fc.constant(0),
  reasoning: fc.option(tokens, { nil: undefined }),
  server: fc.constant({ webSearch: 0, webFetch: 0, codeCalls: 0, fileSearch: 0 }),
  tier: fc.constant(undefined),
})
const noWrites = { '5m': 0, '30m': 0, '1h': 0, '12h': 0 }
const zero: Rational = { num: 0n, den: 1n }

test('the terms, added exactly and rounded once, are the total', () => {
  fc.assert(
    fc.property(usage, price, ratio, (used, rates, group) => {
      const { terms, total } = computeCharge(used, rates, group)
      const exact = terms.reduce((sum, { amount }) => add(sum, amount), zero)
      expect(roundHalfUp(multiply(exact, group))).toBe(total)
      for (const { item, units, rate, amount } of terms) {
        const nanos = multiply(parseRatio(rate), {
          num: item === 'perCall' ? 1_000_000_000n : 1_000n,
          den: 1n,
        })
        expect(nanos.num * BigInt(units) * amount.den).toBe(amount.num * nanos.den)
      }
    }),
  )
})

test('every token is in exactly one term, whatever the upstream reports', () => {
  fc.assert(
    fc.property(usage, price, ratio, (used, rates, group) => {
      const { terms } = computeCharge(used, rates, group)
      const units = terms.reduce((sum, term) => sum + (term.item === 'perCall' ? 0 : term.units), 0)
      expect(units).toBe(used.input + used.output)
      expect(terms.every(term => term.units > 0)).toBe(true)
    }),
  )
})

test('a charge is never below zero', () => {
  const anything = fc.oneof(fc.double(), tokens)
  const odd = fc.tuple(usage, anything, anything, anything).map(([used, input, output, cacheRead]) => ({
    ...used,
    input,
    output,
    cacheRead,
  }))
  fc.assert(
    fc.property(odd, price, ratio, (used, rates, group) => {
      expect(computeCharge(used, rates, group).total >= 0n).toBe(true)
    }),
  )
})

test('more tokens never cost less', () => {
  const text = usage.map(used => ({ ...used, inputBy: {}, outputBy: {} }))
  fc.assert(
    fc.property(text, tokens, tokens, price, ratio, (used, moreInput, moreOutput, rates, group) => {
      const more = { ...used, input: used.input + moreInput, output: used.output + moreOutput }
      const plain = { ...rates, splitsReasoning: false }
      expect(computeCharge(more, plain, group).total >= computeCharge(used, plain, group).total).toBe(true)
    }),
  )
})

test('a request cut in two costs the same but for the rounding of each', () => {
  const plain = usage.map(used => ({
    ...used,
    inputBy: {},
    outputBy: {},
    cacheRead: 0,
    cacheWrite: noWrites,
  }))
  fc.assert(
    fc.property(
      plain,
      tokens,
      tokens,
      rate,
      rate,
      ratio,
      (first, moreInput, moreOutput, input, output, group) => {
        const rates = parsePrice({ input, output })
        const cost = (used: Usage) => computeCharge(used, rates, group).total
        const second = { ...first, input: moreInput, output: moreOutput }
        const whole = { ...first, input: first.input + moreInput, output: first.output + moreOutput }
        const difference = cost(first) + cost(second) - cost(whole)
        expect(difference >= -1n && difference <= 1n).toBe(true)
      },
    ),
  )
})
