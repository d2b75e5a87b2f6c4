import type { Store } from '#store'

export interface NodeParts {
  readonly id: string
  readonly epoch: number
  readonly store: Store
  readonly limits: { readonly heartbeatMs: number; readonly nodeLifeMs: number }
  readonly now: () => number
  readonly onFailure: (error: unknown) => void
}

/** One process life in the store: a row that says until when it counts as living. */
export interface Node {
  readonly id: string
  /** After the journal is committed: the row goes. */
  end(): Promise<void>
  stop(): void
}

export async function startNode({ id, epoch, store, limits, now, onFailure }: NodeParts): Promise<Node> {
  const heartbeatUntil = () => now() + limits.nodeLifeMs
  await store.run('startNode', { id, epoch, now: now(), heartbeatUntil: heartbeatUntil() })
  const timer = setInterval(() => {
    store.run('heartbeat', { id, heartbeatUntil: heartbeatUntil() }).catch(onFailure)
  }, limits.heartbeatMs)
  timer.unref()
  return {
    id,
    end: () => store.run('endNode', { id }),
    stop: () => clearInterval(timer),
  }
}
