import type { Options } from '#config'
import type { HealthRules } from './health.ts'

/** What is not the operator's to set: windows and bounds that follow from each other. */
const fixedRules = {
  failureShare: 0.5,
  requestsMin: 20,
  windowMs: 30_000,
  openMsMax: 300_000,
  probeMsMax: 300_000,
  slowStartMs: 30_000,
  restMs: 10_000,
  restMsMax: 3_600_000,
  modelRestMs: 300_000,
}

export function readRules(options: Options): HealthRules {
  return {
    ...fixedRules,
    failuresMax: options['routing.breakerFailures'],
    openMs: options['routing.breakerOpenMs'],
  }
}
