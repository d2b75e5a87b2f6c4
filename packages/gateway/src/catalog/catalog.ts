import type { Revisions } from '#store'
import { loadSnapshot, type Snapshot, type SnapshotParts } from './snapshot.ts'

export interface CatalogParts extends Omit<SnapshotParts, 'now'> {
  readonly clock: () => number
  readonly revisions: Revisions
  /** The store could not be read; the last snapshot stays in force. */
  readonly onFailure: (error: unknown) => void
}

/** Keeps the newest snapshot at hand. */
export interface Catalog {
  readonly snapshot: Snapshot
}

/** Loads the first snapshot, then a newer one whenever the configuration has changed. */
export async function createCatalog(parts: CatalogParts): Promise<Catalog> {
  let snapshot = await loadSnapshot({ ...parts, now: parts.clock() })
  parts.revisions.follow({
    scope: 'configuration',
    from: snapshot.revision,
    async catchUp() {
      snapshot = await loadSnapshot({ ...parts, now: parts.clock() }, snapshot)
      return snapshot.revision
    },
    onFailure: parts.onFailure,
  })
  return {
    get snapshot() {
      return snapshot
    },
  }
}
