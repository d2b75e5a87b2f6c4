import { loadSnapshot, type Snapshot, type SnapshotParts } from './snapshot.ts'

export interface CatalogParts extends Omit<SnapshotParts, 'now'> {
  readonly clock: () => number
  readonly pollMs: number
  /** The store could not be read; the last snapshot stays in force. */
  readonly onFailure: (error: unknown) => void
}

/** Keeps the newest snapshot at hand. */
export interface Catalog {
  readonly snapshot: Snapshot
  stop(): void
}

/** Loads the first snapshot, then looks for a newer revision every `pollMs`. */
export async function createCatalog(parts: CatalogParts): Promise<Catalog> {
  let snapshot = await loadSnapshot({ ...parts, now: parts.clock() })
  let isReading = false

  async function refresh(): Promise<void> {
    const { configuration } = await parts.store.run('readRevisions', {})
    if (configuration === snapshot.revision) return
    snapshot = await loadSnapshot({ ...parts, now: parts.clock() }, snapshot)
  }

  const timer = setInterval(() => {
    if (isReading) return
    isReading = true
    refresh()
      .catch(parts.onFailure)
      .finally(() => {
        isReading = false
      })
  }, parts.pollMs)
  timer.unref()
  return {
    get snapshot() {
      return snapshot
    },
    stop: () => clearInterval(timer),
  }
}
