export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export interface Pair<Sample> {
  readonly floor: Sample
  readonly subject: Sample
}

/** The middle value; of an even number, the mean of the two middle ones. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/** Subject ÷ floor of each pair of neighbouring slices, so that what slows the machine down slows both. */
export function ratios<Sample>(pairs: readonly Pair<Sample>[], read: (sample: Sample) => number): Spread {
  return spread(pairs.map(pair => read(pair.subject) / read(pair.floor)))
}

/** Subject − floor of each pair of neighbouring slices. */
export function differences<Sample>(
  pairs: readonly Pair<Sample>[],
  read: (sample: Sample) => number,
): Spread {
  return spread(pairs.map(pair => read(pair.subject) - read(pair.floor)))
}

/** Median of the last fifth ÷ median of the middle fifth − 1: zero where a level is flat. */
export function growthFromMiddle(values: readonly number[]): number {
  const fifth = Math.max(1, Math.floor(values.length / 5))
  const middle = values.slice(fifth * 2, fifth * 3)
  return median(values.slice(-fifth)) / median(middle) - 1
}
