import type { ScanLimits } from '@yumen/protocol'
import type { AffinityRule, Options } from '#config'
import type { Candidate, Decision, Excluded, NoRoute, RouteAsk, Routing } from '#routing'
import { affinityOf } from './affinity.ts'
import type { Caller } from './authenticate.ts'
import { GatewayError } from './gateway-error.ts'
import type { Target } from './route.ts'
import type { Facts } from './scan.ts'

export interface PlanAsk {
  readonly caller: Caller
  readonly facts: Facts
  readonly target: Target
  readonly client: (name: string) => string | undefined
}

/** What is planned, and why it may turn out to be nothing. */
export interface Planned {
  readonly candidates: Iterator<Candidate, undefined>
  readonly decision: Decision
  /** The words for a request that no candidate could be offered. */
  readonly refuseAll: () => GatewayError
}

interface PlanParts {
  readonly routing: Routing
  readonly limits: ScanLimits
  /** Where signs of a conversation stand beside the protocols' own; `undefined`: they are not looked for. */
  readonly affinityRules: readonly AffinityRule[] | undefined
}

export function affinityRulesOf(options: Options): readonly AffinityRule[] | undefined {
  return options['routing.affinity'] ? options['routing.affinityRules'] : undefined
}

/** The candidates in the order in which they are tried, each picked when it is needed. @throws GatewayError where there is none */
export function plan({ routing, limits, affinityRules }: PlanParts, planAsk: PlanAsk): Planned {
  const { caller, facts, target, client } = planAsk
  const { pinnedChannelId, key } = caller
  const ask = toRouteAsk(
    { limits, affinityRules },
    { group: key.group, pinnedChannelId, facts, target, client },
  )
  const planned = routing.plan(ask)
  if (planned.kind === 'none') throw refuse(planned.reason, planAsk)
  const { candidates, decision } = planned
  return { candidates, decision, refuseAll: () => tellResting(routing.exclusions(ask), facts) }
}

type AskedRoute = Pick<RouteAsk, 'group' | 'pinnedChannelId'> & Omit<PlanAsk, 'caller'>

/** A request as routing is asked for it: the one reading of it, for the relay and for `explain`. */
export function toRouteAsk(
  { limits, affinityRules }: Omit<PlanParts, 'routing'>,
  { group, pinnedChannelId, facts, target, client }: AskedRoute,
): RouteAsk {
  return {
    group,
    model: facts.model,
    dialect: target.dialect,
    operation: target.operation,
    isStreaming: facts.isStreaming,
    pinnedChannelId,
    affinity: () => affinityRules && affinityOf({ facts, target, client }, affinityRules, limits),
  }
}

/** Everything that could serve it rests: a rate that was used up is told as such, with the time at which the first is back. */
function tellResting(excluded: readonly Excluded[], { model }: Facts): GatewayError {
  const areRates = excluded.length > 0 && excluded.every(({ reason }) => rates.has(reason))
  const waits = excluded.map(({ forMs }) => forMs).filter(forMs => forMs !== undefined)
  const retryAfterMs = waits.length === 0 ? 1_000 : Math.max(1, Math.min(...waits))
  return areRates
    ? new GatewayError('rate_limited', `${model} is asked for too often just now`, { retryAfterMs })
    : new GatewayError('no_candidate', `no channel can serve ${model} now`, { retryAfterMs })
}

const rates: ReadonlySet<Excluded['reason']> = new Set([
  'rate_limited',
  'at_concurrency_ceiling',
  'at_rate_ceiling',
])

function refuse(reason: NoRoute, { caller, facts, target }: PlanAsk): GatewayError {
  const model = JSON.stringify(facts.model.slice(0, 200))
  switch (reason) {
    case 'not_served':
      return new GatewayError(
        'model_not_found',
        `the model ${model} does not exist or is not served for the group ${caller.key.group}`,
        { param: 'model' },
      )
    case 'none_enabled':
      return new GatewayError(
        'no_candidate',
        `the model ${model} is temporarily unavailable: no channel that serves it is enabled`,
      )
    case 'no_key':
      return new GatewayError(
        'no_candidate',
        `the model ${model} is temporarily unavailable: the keys of its channels cannot be read; \`yumen doctor\` tells the administrator why`,
      )
    case 'dialect_unsupported':
      return new GatewayError(
        'unsupported',
        `the model ${model} is served by channels that do not speak ${target.dialect} ${target.operation} themselves, and this version of Yumen does not convert between protocols yet`,
      )
    case 'mapping_cycle':
      return new GatewayError(
        'no_candidate',
        `the model ${model} is temporarily unavailable: a model mapping of its channels leads back to itself`,
      )
    case 'pinned_unknown':
      return new GatewayError('invalid_request', `there is no channel ${caller.pinnedChannelId}`)
    case 'pinned_disabled':
      return new GatewayError('permission_client', `channel ${caller.pinnedChannelId} is disabled`)
  }
}
