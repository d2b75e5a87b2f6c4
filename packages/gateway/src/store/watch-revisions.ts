import type { ProcedureResult } from './procedures/types.ts'
import type { Store } from './types.ts'

type Counters = ProcedureResult<'readRevisions'>

/** Who has to know that something of a scope has changed. */
export interface Follower {
  readonly scope: keyof Counters
  /** The revision that it knows. */
  readonly from: number
  /** Reads what has changed up to `revision` at least; answers the revision that it knows then. Tried again when it fails. */
  readonly catchUp: (revision: number) => Promise<number> | number
  readonly onFailure: (error: unknown) => void
}

export interface Revisions {
  /** As they were when the watch began. */
  readonly atStart: Counters
  follow(follower: Follower): void
  stop(): void
}

export interface WatchRevisionsParts {
  readonly store: Pick<Store, 'run'>
  readonly pollMs: number
  /** The store could not be asked. */
  readonly onFailure: (error: unknown) => void
}

/** Asks the store every `pollMs` what has changed, once for all who follow; who is slow keeps nobody else waiting. */
export async function watchRevisions({ store, pollMs, onFailure }: WatchRevisionsParts): Promise<Revisions> {
  const atStart = await store.run('readRevisions', {})
  const followers: { readonly follower: Follower; known: number; isBusy: boolean }[] = []
  let isAsking = false

  async function ask(): Promise<void> {
    const counters = await store.run('readRevisions', {})
    for (const entry of followers) {
      const { follower } = entry
      const revision = counters[follower.scope]
      if (entry.isBusy || revision === entry.known) continue
      entry.isBusy = true
      catchUp(follower, revision)
        .then(known => {
          entry.known = known
        })
        .catch(follower.onFailure)
        .finally(() => {
          entry.isBusy = false
        })
    }
  }

  const timer = setInterval(() => {
    if (isAsking) return
    isAsking = true
    ask()
      .catch(onFailure)
      .finally(() => {
        isAsking = false
      })
  }, pollMs)
  timer.unref()

  return {
    atStart,
    follow(follower) {
      followers.push({ follower, known: follower.from, isBusy: false })
    },
    stop: () => clearInterval(timer),
  }
}

async function catchUp(follower: Follower, revision: number): Promise<number> {
  return follower.catchUp(revision)
}
