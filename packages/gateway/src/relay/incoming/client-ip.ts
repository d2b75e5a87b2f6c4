import type { IncomingMessage } from 'node:http'
import { isInRanges, parseRange } from '#identity'

/**
 * The address of the client: the peer's, or, behind proxies that the operator named, the nearest one of `x-forwarded-for` that
 * is none of them. What anybody else claims in that header is not looked at.
 */
export function createClientIp(
  trustedProxies: () => readonly string[],
): (request: IncomingMessage) => string {
  const isTrusted = createProxyCheck(trustedProxies)
  return request => {
    const peer = request.socket.remoteAddress ?? ''
    if (!isTrusted(peer)) return peer
    const hops = String(request.headers['x-forwarded-for'] ?? '')
      .split(',')
      .map(hop => hop.trim())
      .filter(hop => hop !== '')
    return hops.findLast(hop => !isTrusted(hop)) ?? hops[0] ?? peer
  }
}

/** Whether an address is one of the proxies that the operator named. */
export function createProxyCheck(trustedProxies: () => readonly string[]): (address: string) => boolean {
  let known: readonly string[] = []
  let ranges: ReturnType<typeof parseRange>[] = []
  return address => {
    const trusted = trustedProxies()
    if (trusted !== known) {
      known = trusted
      ranges = trusted.map(parseRange)
    }
    return ranges.length > 0 && isInRanges(address, ranges)
  }
}
