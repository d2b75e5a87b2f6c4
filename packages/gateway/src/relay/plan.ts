import type { Candidate, NoRoute, Routing } from '#routing'
import type { Caller } from './authenticate.ts'
import { GatewayError } from './gateway-error.ts'
import type { Target } from './route.ts'
import type { Facts } from './scan.ts'

export interface PlanAsk {
  readonly caller: Caller
  readonly facts: Facts
  readonly target: Target
}

/** The candidates in the order in which they are tried, each picked when it is needed. @throws GatewayError where there is none */
export function plan(routing: Routing, { caller, facts, target }: PlanAsk): Iterator<Candidate, undefined> {
  const planned = routing.plan({
    group: caller.key.group,
    model: facts.model,
    dialect: target.dialect,
    operation: target.operation,
    isStreaming: facts.isStreaming,
    pinnedChannelId: caller.pinnedChannelId,
  })
  if (planned.kind === 'candidates') return planned.candidates
  throw refuse(planned.reason, { caller, facts, target })
}

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
    case 'pinned_unknown':
      return new GatewayError('invalid_request', `there is no channel ${caller.pinnedChannelId}`)
    case 'pinned_disabled':
      return new GatewayError('permission_client', `channel ${caller.pinnedChannelId} is disabled`)
  }
}
