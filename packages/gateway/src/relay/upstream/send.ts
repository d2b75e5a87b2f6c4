import { Readable } from 'node:stream'
import { type Ask, endpointUrl } from '@yumen/providers'
import { mergeHeaders } from '#overrides'
import type { Candidate } from '#routing'
import type { Roster } from '../roster.ts'
import type { Target } from '../route.ts'
import type { Facts } from '../scan.ts'
import { type CallListener, UpstreamCall } from './call.ts'
import type { Connections } from './connections.ts'
import { ownHeaders } from './own-headers.ts'
import type { UpstreamBody } from './upstream-body.ts'

export interface SendParts {
  readonly connections: Connections
  /** Calls that the sweep looks after. */
  readonly calls: Roster<UpstreamCall>
  readonly clock: () => number
}

export interface Outgoing {
  readonly candidate: Candidate
  readonly ask: Ask
  readonly body: UpstreamBody
  /** Reads a header of the client's request, for the few that a provider passes on. */
  readonly client: (name: string) => string | undefined
  /** When the request arrived, on the relay's clock. */
  readonly startedAt: number
  /** The call is over, with the last byte of its answer. */
  readonly onOver: () => void
}

/** What a provider is asked, for one candidate. */
export function askOf(candidate: Candidate, target: Target, facts: Facts): Ask {
  return {
    dialect: target.dialect,
    operation: target.operation,
    model: candidate.upstreamModel,
    isStreaming: facts.isStreaming,
    baseUrl: candidate.channel.baseUrl,
    settings: candidate.channel.settings,
    query: target.query,
  }
}

/** Bodies up to this size go out as one write; of larger ones no second copy is made. */
const oneWriteBytesMax = 64 * 1024

/** Starts the call; what comes of it is told to `listener`. */
export function send(parts: SendParts, outgoing: Outgoing, listener: CallListener): UpstreamCall {
  const { candidate, ask, body } = outgoing
  const { channel } = candidate
  const url = endpointUrl(channel.provider, ask)
  if (url === undefined)
    throw new Error(`channel ${channel.name} was planned for what its provider does not offer`)
  const { origin, path } = splitUrl(url)
  let finished: (() => void) | undefined
  const call = new UpstreamCall({
    limits: channel.timeLimits,
    listener,
    clock: parts.clock,
    endsAt: outgoing.startedAt + channel.timeLimits.totalTimeoutMs,
    onOver() {
      parts.calls.remove(call)
      finished?.()
      outgoing.onOver()
    },
  })
  parts.calls.add(call)
  const proxy = channel.settings['proxy']
  const to = { origin, proxy: typeof proxy === 'string' && proxy !== '' ? proxy : undefined }
  try {
    const request = { path, method: 'POST', headers: headersOf(outgoing), body: bodyOf(body) } as const
    finished = parts.connections.dispatch(to, request, call).finished
  } catch (error) {
    call.fail('upstream_error', error instanceof Error ? error.message : String(error))
    return call
  }
  if (call.isOver) finished()
  return call
}

/** Nothing of the client's own goes along but what the provider names: no cookie, key or forwarding header. */
function headersOf({ candidate, ask, body, client }: Outgoing): string[] {
  const headers = [
    'content-length',
    String(body.length),
    'user-agent',
    'yumen',
    ...ownHeaders({ candidate, ask, client }),
  ]
  return body.headers === undefined ? headers : mergeHeaders(headers, body.headers)
}

function bodyOf({ pieces, length }: UpstreamBody): Buffer | Readable {
  const [only] = pieces
  if (pieces.length === 1 && only !== undefined) return only
  return length <= oneWriteBytesMax ? Buffer.concat(pieces) : Readable.from(pieces, { objectMode: false })
}

function splitUrl(url: string): { origin: string; path: string } {
  const slash = url.indexOf('/', url.indexOf('://') + 3)
  return slash < 0 ? { origin: url, path: '/' } : { origin: url.slice(0, slash), path: url.slice(slash) }
}
