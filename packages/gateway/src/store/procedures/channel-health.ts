import type { Procedure } from './index.ts'
import { raiseRevision } from './revisions.ts'

/** What is over is of no use to anybody: it goes with the next report. */
export const reportHealth: Procedure<'reportHealth'> = async (tx, { node, now, reports }) => {
  await raiseRevision(tx, 'health')
  await tx.change('DELETE FROM channel_health WHERE rests_until <= $1', [now])
  for (const { channelId, channelRevision, keyFingerprint, model, reason, isNamed, restsUntil } of reports) {
    const place = [channelId, keyFingerprint, model, node]
    // An answer there: what others have concluded is over, too. What was named to them stays.
    if (restsUntil <= now) {
      await tx.change(
        `DELETE FROM channel_health
          WHERE channel_id = $1 AND key_fingerprint = $2 AND model = $3 AND (node_id = $4 OR is_named = 0)`,
        place,
      )
      continue
    }
    await tx.change(
      `INSERT INTO channel_health
        (channel_id, key_fingerprint, model, node_id, reason, is_named, rests_until, channel_revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (channel_id, key_fingerprint, model, node_id) DO UPDATE
        SET channel_revision = excluded.channel_revision, reason = excluded.reason, is_named = excluded.is_named,
          rests_until = excluded.rests_until`,
      [...place, reason, isNamed ? 1 : 0, restsUntil, channelRevision],
    )
  }
}
