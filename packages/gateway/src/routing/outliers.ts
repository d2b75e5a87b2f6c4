import type { Health, ModelHealth } from './health.ts'
import type { Entry, Tier } from './tiers.ts'

/** With fewer there is no majority to differ from. */
const entriesMin = 3
/** Attempts that an entry must have had before it is compared. */
const samplesMin = 20
/** So many times as slow as the middle of its tier, and slower by so much: slow enough that clients notice. */
const slowFactor = 3
const slowerByMs = 500
/** A share of failures that the middle of its tier is far from. */
const failingShare = 0.2
const soundShare = 0.05
/** Ejected at first; as many times as long as it was ejected shortly before. */
const ejectMs = 30_000
const ejectMsMax = 300_000
/** So long after an ejection it is no longer held against it. */
const forgottenMs = 600_000

interface Known {
  readonly entry: Entry
  readonly model: ModelHealth
}

/**
 * Takes out of a tier what is far slower or fails far more often than its like, for a while: never more than half of it, so that what
 * slows all of them ejects none.
 */
export function ejectOutliers(tier: Tier, health: Pick<Health, 'find'>, now: number): void {
  if (tier.entries.length < entriesMin) return
  const known = tier.entries.flatMap((entry): readonly Known[] => {
    const model = health.find(entry.channel, entry.upstreamModel)
    return model === undefined || model.samples < samplesMin ? [] : [{ entry, model }]
  })
  if (known.length < entriesMin) return
  const isOut = (model: ModelHealth | undefined) =>
    model?.ejection !== undefined && now < model.ejection.until
  // Who is out has no samples, so that he is not among the known.
  const out = tier.entries.filter(entry => isOut(health.find(entry.channel, entry.upstreamModel)))
  let places = Math.floor(tier.entries.length / 2) - out.length
  const eject = (each: Known, reason: 'slow_outlier' | 'failing_outlier') => {
    const { ejection, breaker } = each.model
    if (places <= 0 || isOut(each.model)) return
    places -= 1
    const isLongAgo = ejection === undefined || now > ejection.until + forgottenMs
    const count = isLongAgo ? 1 : ejection.count + 1
    const until = now + Math.min(ejectMs * count, ejectMsMax)
    each.model.ejection = { reason, until, count }
    breaker.returnAt(until)
    // What it was ejected for is not held against it after its return.
    each.model.samples = 0
    each.model.streamMs = undefined
    each.model.wholeMs = undefined
  }

  for (const name of ['streamMs', 'wholeMs'] as const) {
    const middle = median(known.flatMap(({ model }) => (model[name] === undefined ? [] : [model[name]])))
    for (const each of known) {
      const ms = each.model[name]
      if (ms !== undefined && ms > middle * slowFactor && ms > middle + slowerByMs)
        eject(each, 'slow_outlier')
    }
  }
  const shares = known.map(({ model }) => failuresOf(model, now))
  if (median(shares) > soundShare) return
  for (const [index, each] of known.entries())
    if ((shares[index] ?? 0) >= failingShare) eject(each, 'failing_outlier')
}

function failuresOf({ breaker }: ModelHealth, now: number): number {
  const { attempts, failures } = breaker.counts(now)
  return attempts < samplesMin ? 0 : failures / attempts
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
}
