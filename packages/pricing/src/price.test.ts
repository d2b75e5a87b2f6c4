import type { Usage } from '@yumen/protocol'
import { expect, test } from 'vitest'
import { computeCharge, type PriceRates, parsePrice } from './price.ts'
import { PricingError } from './pricing-error.ts'
import { parseRatio } from './rational.ts'

const usage = (input: number, output: number, parts: Partial<Usage> = {}): Usage => ({
  input,
  output,
  cacheRead: 0,
  cacheWrite: written({}),
  inputBy: {},
  toolUse: 0,
  reasoning: undefined,
  outputBy: {},
  server: { webSearch: 0, webFetch: 0, codeCalls: 0, fileSearch: 0 },
  tier: undefined,
  ...parts,
})
const written = (parts: Partial<Usage['cacheWrite']>) => ({ '5m': 0, '30m': 0, '1h': 0, '12h': 0, ...parts })

const gpt4o = { input: '2.50', output: '10', cacheRead: '1.25' }
const sonnet45 = { input: '3', output: '15', cacheRead: '0.30', cacheWrite5m: '3.75', cacheWrite1h: '6' }
const opus45 = { input: '5', output: '25', cacheRead: '0.50', cacheWrite5m: '6.25', cacheWrite1h: '10' }
const flash25 = { input: '0.30', output: '2.50', audioInput: '1' }

interface Example {
  readonly says: string
  readonly rates: PriceRates
  readonly usage: Usage
  readonly ratio?: string
  readonly total: bigint
}

/** `spec/billing.md`, Part D, column Yumen. */
const examples: readonly Example[] = [
  { says: 'D1 gpt-4o', rates: gpt4o, usage: usage(1000, 500), total: 7_500_000n },
  { says: 'D2 cached input', rates: gpt4o, usage: usage(1000, 500, { cacheRead: 600 }), total: 6_750_000n },
  { says: 'D3 group ratio 0.8', rates: gpt4o, usage: usage(1000, 500), ratio: '0.8', total: 6_000_000n },
  { says: 'D4 group ratio 0.9', rates: gpt4o, usage: usage(1000, 500), ratio: '0.9', total: 6_750_000n },
  { says: 'D5 a free group pays nothing', rates: gpt4o, usage: usage(1000, 500), ratio: '0', total: 0n },
  { says: 'D6 one embedded token', rates: { input: '0.02' }, usage: usage(1, 0), total: 20n },
  { says: 'D7 embeddings', rates: { input: '0.13' }, usage: usage(10_000, 0), total: 1_300_000n },
  { says: 'D8 two tokens', rates: gpt4o, usage: usage(2, 0), total: 5_000n },
  { says: 'D9 gpt-4o-mini', rates: { input: '0.15', output: '0.60' }, usage: usage(7, 3), total: 2_850n },
  { says: 'D10 gemini-2.5-flash', rates: flash25, usage: usage(1, 1), total: 2_800n },
  { says: 'D11 a rate of 10/73', rates: { input: '10/73' }, usage: usage(1000, 500), total: 205_479n },
  {
    says: 'D12 Claude with both cache writes',
    rates: sonnet45,
    usage: usage(3600, 300, { cacheRead: 2000, cacheWrite: written({ '5m': 1000, '1h': 500 }) }),
    total: 12_150_000n,
  },
  {
    says: 'D13 an unsplit rest was written for five minutes',
    rates: sonnet45,
    usage: usage(4100, 300, { cacheRead: 2000, cacheWrite: written({ '5m': 1500, '1h': 500 }) }),
    total: 14_025_000n,
  },
  {
    says: 'D14 writes for an hour only',
    rates: opus45,
    usage: usage(410, 20, { cacheWrite: written({ '1h': 400 }) }),
    total: 4_550_000n,
  },
  {
    says: 'D15 more cached than read',
    rates: gpt4o,
    usage: usage(100, 10, { cacheRead: 300 }),
    total: 225_000n,
  },
  {
    says: 'D16 o4-mini',
    rates: { input: '1.10', output: '4.40' },
    usage: usage(1000, 1000),
    total: 5_500_000n,
  },
  { says: 'D17 gpt-4.1', rates: { input: '2', output: '8' }, usage: usage(1000, 1000), total: 10_000_000n },
  {
    says: 'D18 gpt-3.5',
    rates: { input: '0.50', output: '1.50' },
    usage: usage(1000, 1000),
    total: 2_000_000n,
  },
  { says: 'D19 sonar', rates: { input: '1', output: '1' }, usage: usage(1000, 500), total: 1_500_000n },
  { says: 'D20 per call', rates: { perCall: '0.04' }, usage: usage(0, 0), total: 40_000_000n },
  {
    says: 'D22 image input',
    rates: { input: '5', imageInput: '10', output: '40' },
    usage: usage(1050, 4160, { inputBy: { text: 50, image: 1000 } }),
    total: 176_650_000n,
  },
  {
    says: 'D23 free audio output',
    rates: { input: '15', audioOutput: '0' },
    usage: usage(1000, 1000, { outputBy: { audio: 1000 } }),
    total: 15_000_000n,
  },
  {
    says: 'D25 audio both ways',
    rates: { input: '2.50', output: '10', audioInput: '40', audioOutput: '80' },
    usage: usage(300, 350, { inputBy: { audio: 200 }, outputBy: { audio: 300 } }),
    total: 32_750_000n,
  },
  {
    says: 'D26 a realtime turn',
    rates: { input: '5', output: '20', audioInput: '40', audioOutput: '80' },
    usage: usage(1100, 2050, { inputBy: { audio: 1000 }, outputBy: { audio: 2000 } }),
    total: 201_500_000n,
  },
  {
    says: 'D27 audio input',
    rates: flash25,
    usage: usage(1000, 100, { inputBy: { audio: 400 } }),
    total: 830_000n,
  },
  { says: 'D37 no float', rates: { perCall: '0.003' }, usage: usage(0, 0), ratio: '1.15', total: 3_450_000n },
  { says: 'D45 of a hold', rates: gpt4o, usage: usage(120, 500), total: 5_300_000n },
  { says: 'D47 a cut stream', rates: gpt4o, usage: usage(120, 200), total: 2_300_000n },
  { says: 'D48 beyond the limit', rates: gpt4o, usage: usage(120, 1200), total: 12_300_000n },
  {
    says: 'D62 the old version',
    rates: { input: '2.50', output: '10' },
    usage: usage(1000, 0),
    total: 2_500_000n,
  },
  { says: 'D65 a strict hold', rates: sonnet45, usage: usage(200_000, 32_000), total: 1_080_000_000n },
]

test.each(examples)('$says', ({ rates, usage, ratio = '1', total }) => {
  expect(computeCharge(usage, parsePrice(rates), parseRatio(ratio)).total).toBe(total)
})

/** Term by term: item, units, whose rate. */
const terms = (rates: PriceRates, used: Usage) =>
  computeCharge(used, parsePrice(rates), parseRatio('1')).terms.map(
    ({ item, units, rateOf, rate }) => `${item} ${units} at ${rateOf} ${rate}`,
  )

const everything = usage(1000, 100, {
  cacheRead: 100,
  cacheWrite: { '5m': 10, '30m': 20, '1h': 30, '12h': 40 },
  inputBy: { audio: 200, image: 300 },
  reasoning: 50,
  outputBy: { audio: 20, image: 10 },
})

test('what a price does not name falls back along the declared chain', () => {
  expect(terms({ input: '1', cacheWrite: '2', output: '3' }, everything)).toEqual([
    'input 300 at input 1',
    'cacheRead 100 at input 1',
    'cacheWrite5m 10 at cacheWrite 2',
    'cacheWrite30m 20 at cacheWrite 2',
    'cacheWrite1h 30 at cacheWrite 2',
    'cacheWrite12h 40 at cacheWrite 2',
    'audioInput 200 at input 1',
    'imageInput 300 at input 1',
    'output 70 at output 3',
    'audioOutput 20 at output 3',
    'imageOutput 10 at output 3',
  ])
})

test('a price that names every rate charges every item at its own', () => {
  const rates = {
    input: '1',
    output: '2',
    cacheRead: '3',
    cacheWrite: '4',
    cacheWrite5m: '5',
    cacheWrite1h: '6',
    imageInput: '7',
    imageOutput: '8',
    audioInput: '9',
    audioOutput: '10',
    audioCacheRead: '11',
    reasoning: '12',
    perCall: '13',
  }
  expect(terms(rates, everything)).toEqual([
    'input 300 at input 1',
    'cacheRead 100 at cacheRead 3',
    'cacheWrite5m 10 at cacheWrite5m 5',
    'cacheWrite30m 20 at cacheWrite 4',
    'cacheWrite1h 30 at cacheWrite1h 6',
    'cacheWrite12h 40 at cacheWrite 4',
    'audioInput 200 at audioInput 9',
    'imageInput 300 at imageInput 7',
    'output 20 at output 2',
    'reasoning 50 at reasoning 12',
    'audioOutput 20 at audioOutput 10',
    'imageOutput 10 at imageOutput 8',
    'perCall 1 at perCall 13',
  ])
})

test('audio that does not fit into the uncached input was read from the cache', () => {
  const used = usage(100, 0, { cacheRead: 80, inputBy: { audio: 50 } })
  expect(terms({ input: '1', cacheRead: '2', audioInput: '3', audioCacheRead: '4' }, used)).toEqual([
    'cacheRead 50 at cacheRead 2',
    'audioCacheRead 30 at audioCacheRead 4',
    'audioInput 20 at audioInput 3',
  ])
})

test('counts that cannot be are floored at zero and bounded', () => {
  const used = usage(-5, Number.NaN, { cacheRead: 7, outputBy: { audio: Number.POSITIVE_INFINITY } })
  expect(computeCharge(used, parsePrice(gpt4o), parseRatio('1'))).toEqual({ terms: [], total: 0n })
  expect(terms({ input: '1' }, usage(1e300, 1.9))).toEqual([
    'input 1099511627776 at input 1',
    'output 1 at input 1',
  ])
})

test.each([
  { says: 'a number with a comma', rates: { input: '2,5' } },
  { says: 'a rate below zero', rates: { input: '-1' } },
  { says: 'a price without rates', rates: {} },
  { says: 'output without input', rates: { output: '1' } },
  { says: 'a rate that nobody knows', rates: { input: '1', inptu: '2' } },
])('$says is refused', ({ rates }) => {
  expect(() => parsePrice(rates)).toThrow(PricingError)
})
