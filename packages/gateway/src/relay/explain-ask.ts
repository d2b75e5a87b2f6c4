import type { RouteAsk } from '#routing'
import { affinityOf } from './affinity.ts'
import { type Route, route } from './route.ts'
import { scan } from './scan.ts'

export interface ExplainRequest {
  /** Address of a relay route, with its query. */
  readonly path: string
  readonly body: Buffer
  readonly group: string
  readonly pinnedChannelId: number | undefined
  readonly limits: { readonly jsonDepthMax: number; readonly topLevelMembersMax: number }
}

/** What routing would be asked for this request, read as the relay reads it. @throws GatewayError for what it would refuse */
export function readRouteAsk({ path, body, group, pinnedChannelId, limits }: ExplainRequest): RouteAsk {
  const found: Route = route('POST', path, () => undefined)
  if (found.kind !== 'relay') throw new Error(`${path} asks no model`)
  const { target } = found
  const facts = scan(body, target, limits)
  return {
    group,
    model: facts.model,
    dialect: target.dialect,
    operation: target.operation,
    isStreaming: facts.isStreaming,
    pinnedChannelId,
    affinity: () => affinityOf(facts, target, () => undefined, limits),
  }
}
