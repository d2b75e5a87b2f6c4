import type { Ask } from '@yumen/providers'
import type { Candidate } from '#routing'

interface Owning {
  readonly candidate: Candidate
  readonly ask: Ask
  /** Reads a header of the client's request. */
  readonly client: (name: string) => string | undefined
}

/** What the relay, the provider and the channel's settings say in a call's head, flat: no rule on the client's headers replaces it. */
export function ownHeaders({ candidate, ask, client }: Owning): readonly string[] {
  const { provider } = candidate.channel
  return [
    'content-type',
    'application/json',
    'accept',
    ask.isStreaming ? 'text/event-stream' : 'application/json',
    ...provider.auth(candidate.key.secret, ask),
    ...(provider.headers?.(ask, client) ?? []),
  ]
}

/** Their names, in lower case. */
export function ownHeaderNames(owning: Owning): ReadonlySet<string> {
  return new Set(
    ownHeaders(owning)
      .filter((_, index) => index % 2 === 0)
      .map(name => name.toLowerCase()),
  )
}
