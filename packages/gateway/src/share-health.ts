import { type HealthReport, type Routing, setBounded } from '#routing'
import type { Revisions, Row, Store } from '#store'

export interface ShareHealthParts {
  readonly store: Pick<Store, 'query' | 'run'>
  readonly revisions: Revisions
  readonly routing: Pick<Routing, 'hear'>
  readonly node: string
  readonly limits: { readonly snapshotPollMs: number; readonly healthReportsMax: number }
  /** Milliseconds UTC. */
  readonly now: () => number
  readonly onFailure: (error: unknown) => void
}

/** Tells the other nodes what this one has learned of channels, and hears what they have. */
export interface HealthSharing {
  /** Of routing: goes out with the next round. */
  report(report: HealthReport): void
  stop(): void
}

/** Reports in one round; in a storm the newest of each place is enough, and the rest of them come with the next. */
const reportsMax = 1_000

export function shareHealth(parts: ShareHealthParts): HealthSharing {
  const { store, revisions, routing, node, limits, now, onFailure } = parts
  /** By place: only the newest counts. */
  const outgoing = new Map<string, HealthReport & { readonly at: number }>()
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  revisions.follow({
    scope: 'health',
    from: 0,
    async catchUp(revision) {
      routing.hear(await readHealth(store, { now: now(), except: node }))
      return revision
    },
    onFailure,
  })

  async function send(): Promise<void> {
    const entries = [...outgoing.entries()].slice(0, reportsMax)
    const reports = entries.map(([, { at, forMs, ...report }]) => ({ ...report, restsUntil: at + forMs }))
    await store.run('reportHealth', { node, now: now(), reports })
    for (const [place, sent] of entries) if (outgoing.get(place) === sent) outgoing.delete(place)
  }

  /** What is learnt within one round goes out together; what could not be sent, with the next. */
  function sendSoon(): void {
    timer ??= setTimeout(() => {
      send()
        .catch(onFailure)
        .finally(() => {
          timer = undefined
          if (outgoing.size > 0 && !isStopped) sendSoon()
        })
    }, limits.snapshotPollMs).unref()
  }
  return {
    report(report) {
      const place = `${report.channelId} ${report.keyFingerprint} ${report.model}`
      setBounded(outgoing, place, { ...report, at: now() }, limits.healthReportsMax)
      if (!isStopped) sendSoon()
    },
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}

/** What nodes have told and is still in force. */
export async function readHealth(
  store: Pick<Store, 'query'>,
  { now, except }: { readonly now: number; readonly except: string },
): Promise<readonly HealthReport[]> {
  const rows = await store.query<Row<'channel_health'>>(
    'SELECT * FROM channel_health WHERE rests_until > $1 AND node_id <> $2',
    [now, except],
  )
  return rows.map(row => ({
    channelId: row.channel_id,
    channelRevision: row.channel_revision,
    keyFingerprint: row.key_fingerprint,
    model: row.model,
    reason: row.reason,
    isNamed: row.is_named !== 0,
    forMs: row.rests_until - now,
  }))
}
