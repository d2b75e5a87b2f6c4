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
  /**
   * Nodes of the installation that live, this one among them, as of the last heartbeat; at least 1. One that died
   * counts until its life is over (`nodeLifeMs`): who divides by it errs to the small side.
   */
  liveNodes(): number
  /** After the journal is committed: the row goes. */
  end(): Promise<void>
  stop(): void
}

export async function startNode({ id, epoch, store, limits, now, onFailure }: NodeParts): Promise<Node> {
  let liveNodes = 1
  const heartbeatUntil = () => now() + limits.nodeLifeMs
  const beat = async () => {
    const seen = await store.run('heartbeat', { id, now: now(), heartbeatUntil: heartbeatUntil() })
    liveNodes = Math.max(1, seen.liveNodes)
  }
  await store.run('startNode', { id, epoch, now: now(), heartbeatUntil: heartbeatUntil() })
  await beat()
  const timer = setInterval(() => {
    beat().catch(onFailure)
  }, limits.heartbeatMs)
  timer.unref()
  return {
    id,
    liveNodes: () => liveNodes,
    end: () => store.run('endNode', { id }),
    stop: () => clearInterval(timer),
  }
}
