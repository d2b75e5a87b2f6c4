import { computeCharge, formatUsd } from '@yumen/pricing'
import { plainUsage, type Usage, type UsageSource } from '@yumen/protocol'
import type { ChargeFacts, Journal, Released, SettledRecord } from '#journal'
import type { RequestLog } from './request-log.ts'

export interface SettleParts {
  readonly journal: Journal
  /** Told of every ended request whose caller is known. */
  readonly onSettled: (record: SettledRecord) => void
}

/** How a request ended. */
export interface Ending {
  /** `ok`, `client_gone`, or the class of the error that the client was told. */
  readonly class: string
  readonly status: number
  readonly usage: Usage | undefined
  readonly source: UsageSource | undefined
}

/** Writes the request's end into the journal; `released` runs once it is in the file, with the reason when it is not. */
export function settle(parts: SettleParts, log: RequestLog, ending: Ending, released?: Released): void {
  const { caller } = log
  if (caller === undefined) throw new Error('a request without a caller has nothing to settle')
  const charge = chargeFor(log, ending.usage)
  log.seat?.settle(rateCostOf(log, ending))
  const record: SettledRecord = {
    kind: 'settled',
    facts: log.toFacts(caller, ending.usage, ending.source),
    charge,
    class: ending.class,
    status: ending.status,
    timings: log.timings(),
  }
  parts.journal.append(record, failure => {
    if (failure === undefined) caller.spent.nusd += BigInt(charge.amount)
    released?.(failure)
  })
  parts.onSettled(record)
}

/**
 * What the request did cost of its caller's rates. A stream that its client left counts as answered; a client that leaves before the
 * answer has cost its prompt, once an upstream may bill it.
 */
function rateCostOf(log: RequestLog, { usage, status }: Ending) {
  const isSuccess = usage !== undefined || (status > 0 && status < 400)
  if (log.target.operation === 'count-tokens') return { tokens: 0, isSuccess }
  if (usage !== undefined) return { tokens: usage.input + usage.output, isSuccess }
  const isAbandoned = status === 0 && log.attempts.some(({ mayBeBilled }) => mayBeBilled)
  return { tokens: isAbandoned ? promptTokensOf(log) : 0, isSuccess }
}

/** By its size: nobody counts a prompt that was not answered. */
function promptTokensOf({ facts }: RequestLog): number {
  return facts === undefined ? 0 : Math.ceil(facts.body.length / bytesPerToken)
}

/** Keeps what the client has got so far: what a crash now would charge. */
export function noteProgress(parts: SettleParts, log: RequestLog, usage: Usage): void {
  const { caller } = log
  if (caller === undefined) return
  parts.journal.append({
    kind: 'progress',
    facts: log.toFacts(caller, usage, 'counted'),
    charge: chargeFor(log, usage),
    timings: log.timings(),
  })
}

/** What an upstream may bill for an attempt that was given up: the prompt at the model's price. `undefined` without a price. */
export function estimateAbandoned(log: RequestLog): string | undefined {
  const { terms, facts, target } = log
  if (terms?.priceVersion === undefined || facts === undefined || target.operation === 'count-tokens')
    return undefined
  const usage = plainUsage(promptTokensOf(log), 0)
  return formatUsd(computeCharge(usage, terms.priceVersion.price, whole).total)
}

const whole = { num: 1n, den: 1n }
const bytesPerToken = 4

/** A million dollars, in nano-dollars: beyond it the upstream's count or the price is wrong, and sums would leave 64 bits. */
const chargeMax = 1_000_000_000_000_000n

/** Counting tokens is free; a model without a price is served and charged zero. */
function chargeFor(log: RequestLog, usage: Usage | undefined): ChargeFacts {
  const { terms } = log
  const ratio = terms?.ratioText ?? '1'
  if (terms?.priceVersion === undefined || usage === undefined || log.target.operation === 'count-tokens') {
    return { amount: '0', ratio }
  }
  const { total } = computeCharge(usage, terms.priceVersion.price, terms.ratio)
  if (total > chargeMax && !log.warnings.includes('charge_capped')) log.warnings.push('charge_capped')
  return { amount: String(total > chargeMax ? chargeMax : total), priceVersion: terms.priceVersion.id, ratio }
}
