import type { Usage } from '@yumen/protocol'

/** What one request can be charged for. The items are disjoint: no token is in two of them. */
export const chargeItems = [
  'input',
  'cacheRead',
  'audioCacheRead',
  'cacheWrite5m',
  'cacheWrite30m',
  'cacheWrite1h',
  'cacheWrite12h',
  'audioInput',
  'imageInput',
  'output',
  'reasoning',
  'audioOutput',
  'imageOutput',
  'perCall',
] as const
export type ChargeItem = (typeof chargeItems)[number]
export type Units = Readonly<Record<ChargeItem, number>>

/** The largest count that is believed: 2⁴⁰ tokens, far above any model's window. */
const unitsMax = 2 ** 40

/**
 * Usage cut into disjoint items; `input` and `output` are what no other item took. Upstreams report parts
 * that exceed their whole, so each part gets at most what is left, in the order cache read, cache writes,
 * audio, image: the sums stay true. Nobody reports how much of the audio came from the cache: it counts as
 * uncached, then as written, and only what fits neither was certainly read.
 */
export function partitionUsage(usage: Usage, splitsReasoning: boolean): Units {
  const input = count(usage.input)
  const cached = Math.min(count(usage.cacheRead), input)
  let rest = input - cached
  const take = (wanted: number) => {
    const taken = Math.min(wanted, rest)
    rest -= taken
    return taken
  }
  const cacheWrite5m = take(count(usage.cacheWrite['5m']))
  const cacheWrite30m = take(count(usage.cacheWrite['30m']))
  const cacheWrite1h = take(count(usage.cacheWrite['1h']))
  const cacheWrite12h = take(count(usage.cacheWrite['12h']))
  const audio = count(usage.inputBy.audio)
  const audioInput = take(audio)
  const imageInput = take(count(usage.inputBy.image))
  const textInput = rest
  const written = cacheWrite5m + cacheWrite30m + cacheWrite1h + cacheWrite12h
  const audioCacheRead = Math.min(Math.max(audio - audioInput - written, 0), cached)

  rest = count(usage.output)
  const audioOutput = take(count(usage.outputBy.audio))
  const imageOutput = take(count(usage.outputBy.image))
  const reasoning = splitsReasoning ? take(count(usage.reasoning)) : 0
  return {
    input: textInput,
    cacheRead: cached - audioCacheRead,
    audioCacheRead,
    cacheWrite5m,
    cacheWrite30m,
    cacheWrite1h,
    cacheWrite12h,
    audioInput,
    imageInput,
    output: rest,
    reasoning,
    audioOutput,
    imageOutput,
    perCall: 1,
  }
}

/** A count as reported → a whole number from 0 to `unitsMax`; what is no number counts nothing. */
function count(reported: number | undefined): number {
  if (reported === undefined || !(reported > 0)) return 0
  return Math.min(Math.floor(reported), unitsMax)
}
