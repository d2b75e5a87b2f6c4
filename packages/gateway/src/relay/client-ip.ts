import type { IncomingMessage } from 'node:http'
import { isInRanges, parseRange } from '#identity'

/**
 * The address of the client: the peer's, or, behind proxies that the operator named, the nearest one of `x-forwarded-for` that
 * is none of them. What anybody else claims in that header is not looked at.
 */
export function createClientIp(
  trustedProxies: () => readonly string[],
): (request: IncomingMessage) => string {
  let known: readonly string[] = []
  let ranges: ReturnType<typeof parseRange>[] = []
  return request => {
    const peer = request.socket.remoteAddress ?? ''
    const trusted = trustedProxies()
    if (trusted !== known) {
      known = trusted
      ranges = trusted.map(parseRange)
    }
    if (ranges.length === 0 || !isInRanges(peer, ranges)) return peer
    const hops = String(request.headers['x-forwarded-for'] ?? '')
      .split(',')
      .map(hop => hop.trim())
      .filter(hop => hop !== '')
    return hops.findLast(hop => !isInRanges(hop, ranges)) ?? hops[0] ?? peer
  }
}
