import type { Store } from '#store'

export interface LivingNodesParts {
  readonly store: Pick<Store, 'query'>
  readonly limits: { readonly nodeCountMs: number }
  readonly now: () => number
  readonly onFailure: (error: unknown) => void
}

/** How many nodes there are, this one too: as of the last look, at least 1. */
export interface LivingNodes {
  readonly count: number
  stop(): void
}

/** Counts the nodes now and from time to time. While the store is away the last count stands. */
export async function watchLivingNodes({
  store,
  limits,
  now,
  onFailure,
}: LivingNodesParts): Promise<LivingNodes> {
  let count = 1
  let isLooking = false

  async function look(): Promise<void> {
    const [row] = await store.query<{ readonly living: number }>(
      "SELECT COUNT(*) AS living FROM nodes WHERE state = 'live' AND heartbeat_until > $1",
      [now()],
    )
    count = Math.max(1, Number(row?.living ?? 1))
  }

  await look()
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    look()
      .catch(onFailure)
      .finally(() => {
        isLooking = false
      })
  }, limits.nodeCountMs)
  timer.unref()
  return {
    get count() {
      return count
    },
    stop: () => clearInterval(timer),
  }
}
