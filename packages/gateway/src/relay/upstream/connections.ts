import { LRUCache } from 'lru-cache'
import type { Dispatcher } from 'undici'
import { isMetadataHost } from '#outbound'
import { loadProxyAgents, Pool } from './undici.ts'
import { createUpstreamLookup, MetadataAddressError } from './upstream-lookup.ts'

export interface ConnectionsParts {
  readonly limits: {
    readonly upstreamConnectionsPerShard: number
    readonly upstreamKeepAliveMs: number
    readonly upstreamOriginsMax: number
    readonly connectTimeoutMsMax: number
  }
  /** Told of an address that no channel may lead to, by a dispatch or a new connection that was refused for it. */
  readonly onRefusedAddress: (error: MetadataAddressError) => void
  /** What names resolve to; the system's resolver when not given. */
  readonly resolve?: Parameters<typeof createUpstreamLookup>[0]['resolve']
}

/**
 * The relay's own deadlines govern. Said with each request: the SOCKS5 agent keeps no options for its pools, whose own
 * limit is a silence of 300 s.
 */
const withoutTimers = { headersTimeout: 0, bodyTimeout: 0 }

/** One more place than the shards have: a call that does not queue inside the client library. */
interface Shard {
  readonly dispatcher: Dispatcher
  inFlight: number
}

/** Connections to one origin, directly or through one proxy. */
interface Origin {
  readonly shards: Shard[]
}

export interface Connections {
  /** Sends one request; `finished` has to be called once when it is over, however it ended. */
  dispatch(
    to: Destination,
    request: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): { finished: () => void }
  readonly origins: number
  close(): Promise<void>
}

export interface Destination {
  readonly origin: string
  /** `http://`, `https://`, `socks5://` or `socks5h://`, with credentials; `undefined`: directly. */
  readonly proxy: string | undefined
}

/**
 * Keep-alive connections by origin and proxy. An origin has as many shards as its load needs, so that nothing queues inside
 * one of them and the search for a free connection stays short; what is idle goes by itself, the least used origin first.
 */
export function createConnections({ limits, onRefusedAddress, resolve }: ConnectionsParts): Connections {
  const lookup = createUpstreamLookup({ onRefused: onRefusedAddress, resolve })
  const origins = new LRUCache<string, Origin>({
    max: limits.upstreamOriginsMax,
    dispose: origin => {
      for (const { dispatcher } of origin.shards) void dispatcher.close()
    },
  })

  function findShard({ origin, proxy }: Destination): Shard {
    const key = proxy === undefined ? origin : `${origin} ${proxy}`
    let entry = origins.get(key)
    if (entry === undefined) {
      entry = { shards: [] }
      origins.set(key, entry)
    }
    let free = entry.shards.find(shard => shard.inFlight < limits.upstreamConnectionsPerShard)
    if (free === undefined) {
      free = { dispatcher: createDispatcher({ origin, proxy }), inFlight: 0 }
      entry.shards.push(free)
    }
    return free
  }

  function createDispatcher({ origin, proxy }: Destination): Dispatcher {
    refuseMetadata(origin)
    if (proxy !== undefined) refuseMetadata(proxy)
    const options = {
      connections: limits.upstreamConnectionsPerShard,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: limits.upstreamKeepAliveMs,
      keepAliveMaxTimeout: limits.upstreamKeepAliveMs,
      connectTimeout: limits.connectTimeoutMsMax,
    }
    if (proxy === undefined)
      return new Pool(origin, { ...options, connect: { lookup, timeout: limits.connectTimeoutMsMax } })
    const { ProxyAgent, Socks5ProxyAgent } = loadProxyAgents()
    // `socks5h` resolves names at the proxy, which is what the library always does.
    if (proxy.startsWith('socks')) return new Socks5ProxyAgent(proxy.replace(/^socks5h:/, 'socks5:'), options)
    return new ProxyAgent({ uri: proxy, proxyTunnel: true, ...options })
  }

  /** A literal is connected to without a look-up, and behind a proxy it is the proxy that resolves. */
  function refuseMetadata(address: string): void {
    const { hostname } = new URL(address)
    if (!isMetadataHost(hostname)) return
    const error = new MetadataAddressError(hostname)
    onRefusedAddress(error)
    throw error
  }

  return {
    dispatch(to, request, handler) {
      const shard = findShard(to)
      // What the library refuses at once throws here, and holds no place.
      shard.dispatcher.dispatch({ ...request, ...withoutTimers, origin: to.origin }, handler)
      shard.inFlight++
      return {
        finished: () => {
          shard.inFlight--
        },
      }
    },
    get origins() {
      return origins.size
    },
    async close() {
      const shards = [...origins.values()].flatMap(origin => origin.shards)
      await Promise.all(shards.map(({ dispatcher }) => dispatcher.destroy()))
    },
  }
}
