/**
 * A bounded histogram of microseconds, in the manner of HdrHistogram: 128 linear buckets per power of two, so
 * a value is kept within 0.8 %, from 1 µs to 2^36 µs (19 hours). Memory is fixed: 30 powers × 128 buckets × 8
 * bytes = 31 KB.
 */
const subBuckets = 128
const subBits = 7
const powers = 30
const valueMax = 2 ** 36 - 1 // what is longer is counted there

export interface HistogramSummary {
  readonly count: number
  readonly minUs: number
  readonly p50Us: number
  readonly p90Us: number
  readonly p99Us: number
  readonly maxUs: number
}

export interface Histogram {
  record(valueUs: number): void
  quantile(share: number): number
  summary(): HistogramSummary
}

export function createHistogram(): Histogram {
  const counts = new Float64Array(powers * subBuckets)
  let count = 0
  let minUs = Number.POSITIVE_INFINITY
  let maxUs = 0

  const quantile = (share: number): number => {
    if (count === 0) return 0
    const wanted = Math.max(1, Math.ceil(share * count))
    let seen = 0
    for (let index = 0; index < counts.length; index++) {
      seen += counts[index] ?? 0
      if (seen >= wanted) return Math.min(maxUs, Math.max(minUs, middleOf(index)))
    }
    return maxUs
  }

  return {
    record(valueUs) {
      const index = bucketOf(valueUs)
      counts[index] = (counts[index] ?? 0) + 1
      count++
      if (valueUs < minUs) minUs = valueUs
      if (valueUs > maxUs) maxUs = valueUs
    },
    quantile,
    summary: () => ({
      count,
      minUs: count === 0 ? 0 : minUs,
      p50Us: quantile(0.5),
      p90Us: quantile(0.9),
      p99Us: quantile(0.99),
      maxUs,
    }),
  }
}

/**
 * Values below 128 have a bucket each; above, the power of two picks a row and the next seven bits the
 * bucket.
 */
export function bucketOf(valueUs: number): number {
  const value = Math.min(valueMax, Math.max(0, Math.floor(valueUs)))
  if (value < subBuckets) return value
  const power = Math.floor(Math.log2(value)) - subBits
  const within = Math.floor(value / 2 ** power) - subBuckets
  return (power + 1) * subBuckets + within
}

function middleOf(index: number): number {
  if (index < subBuckets) return index
  const row = Math.floor(index / subBuckets)
  const width = 2 ** (row - 1)
  return (subBuckets + (index % subBuckets)) * width + width / 2
}
