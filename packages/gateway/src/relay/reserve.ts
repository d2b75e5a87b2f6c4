import type { Snapshot } from '#catalog'
import type { CallerKey } from '#identity'
import { GatewayError } from './gateway-error.ts'
import type { Terms } from './request-log.ts'

/** Binds the price and the group's ratio that are in force now; a change meanwhile is not this request's. @throws GatewayError */
export function reserve(snapshot: Snapshot, key: CallerKey, model: string): Terms {
  // Of a key in `auto` the group is known with the candidate: until then the first counts.
  const name = key.group === 'auto' ? snapshot.options['routing.autoGroups'][0] : key.group
  const group = name === undefined ? undefined : snapshot.groups.get(name)
  if (group === undefined) {
    throw new GatewayError(
      'permission_client',
      `the group ${JSON.stringify(name ?? key.group)} of the API key "${key.name}" does not exist`,
    )
  }
  return {
    priceVersion: snapshot.findPrice(model),
    group: group.name,
    ratio: group.ratio,
    ratioText: group.ratioText,
  }
}

/** The terms with the ratio of the group by which the accepted candidate was found. */
export function bindGroup(snapshot: Snapshot, terms: Terms, name: string): Terms {
  const group = terms.group === name ? undefined : snapshot.groups.get(name)
  return group === undefined
    ? terms
    : { ...terms, group: name, ratio: group.ratio, ratioText: group.ratioText }
}
