import ipaddr from 'ipaddr.js'

export interface PerAddressParts {
  readonly max: () => number
  /** Proxies stand for all of their clients. */
  readonly isExempt: (address: string) => boolean
}

/** Open connections by client address: one client cannot take them all. As many entries as there are connections. */
export interface PerAddress {
  /** Counts a connection in; what it gives has to be called at its end. `undefined`: there are as many as may be. */
  enter(address: string): (() => void) | undefined
}

export function createPerAddress({ max, isExempt }: PerAddressParts): PerAddress {
  const counts = new Map<string, number>()
  return {
    enter(address) {
      const client = clientOf(address)
      const count = counts.get(client) ?? 0
      if (count >= max() && !isExempt(address)) return undefined
      counts.set(client, count + 1)
      return () => {
        const left = (counts.get(client) ?? 1) - 1
        if (left === 0) counts.delete(client)
        else counts.set(client, left)
      }
    },
  }
}

/** A home or a server has a /64 of IPv6 addresses: all of them are one client. */
function clientOf(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString()
}
