import type { Store } from '#store'

export interface LeaderParts {
  readonly nodeId: string
  readonly store: Pick<Store, 'run'>
  readonly limits: { readonly heartbeatMs: number; readonly leaderLifeMs: number }
  /** The wall clock, as the other nodes see it. */
  readonly now: () => number
  /** A steady clock: by it this node stops leading on time, whatever happens to the wall clock. */
  readonly clock: () => number
  readonly onFailure: (error: unknown) => void
}

/** Whether this node does the jobs that one node does for all. */
export interface Leader {
  /** False as soon as the lease is over, also while the store cannot be asked. */
  readonly isLeading: boolean
  /** Called each time that this node comes to lead. */
  onElected(listener: () => void): void
  /** Gives the lease back, so that another node leads at its next heartbeat. Never fails. */
  stop(): Promise<void>
}

/** What is led: all jobs together, one lease. */
const name = 'jobs'

/**
 * Asks for the lease at every heartbeat. Two nodes whose clocks differ by more than the time that is left may both lead
 * for a moment: the jobs bear it, each is safe by itself (folder locks, marks, deletes in slices).
 */
export function startLeader({ nodeId, store, limits, now, clock, onFailure }: LeaderParts): Leader {
  const listeners: (() => void)[] = []
  let leadsUntil = 0
  let asking: Promise<void> | undefined

  async function ask(): Promise<void> {
    const askedAt = clock()
    const wasLeading = askedAt < leadsUntil
    const at = now()
    const isHeld = await store.run('holdLeadership', {
      name,
      node: nodeId,
      now: at,
      until: at + limits.leaderLifeMs,
    })
    leadsUntil = isHeld ? askedAt + limits.leaderLifeMs : 0
    if (isHeld && !wasLeading) for (const listener of listeners) listener()
  }

  function tick(): void {
    asking ??= ask()
      .catch(onFailure)
      .finally(() => {
        asking = undefined
      })
  }

  const timer = setInterval(tick, limits.heartbeatMs)
  timer.unref()
  tick()
  return {
    get isLeading() {
      return clock() < leadsUntil
    },
    onElected: listener => listeners.push(listener),
    async stop() {
      clearInterval(timer)
      listeners.length = 0
      await asking
      if (clock() >= leadsUntil) return
      leadsUntil = 0
      await store.run('leaveLeadership', { name, node: nodeId }).catch(onFailure)
    },
  }
}
