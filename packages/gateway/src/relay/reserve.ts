import type { Snapshot } from '#catalog'
import type { CallerKey } from '#identity'
import { GatewayError } from './gateway-error.ts'
import type { Terms } from './request-log.ts'

/** Binds the price and the group's ratio that are in force now; a change meanwhile is not this request's. @throws GatewayError */
export function reserve(snapshot: Snapshot, key: CallerKey, model: string): Terms {
  const group = snapshot.groups.get(key.group)
  if (group === undefined) {
    throw new GatewayError(
      'permission_client',
      `the group ${JSON.stringify(key.group)} of the API key "${key.name}" does not exist`,
    )
  }
  return {
    priceVersion: snapshot.findPrice(model),
    group: group.name,
    ratio: group.ratio,
    ratioText: group.ratioText,
  }
}
