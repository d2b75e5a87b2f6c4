import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Node } from '#cluster'
import type { Environment, Limits } from '#config'
import {
  adoptJournals,
  type BatchStore,
  type Committer,
  createCommitter,
  createFolder,
  createJournal,
  createWriter,
  encodeLine,
  type Journal,
  NodeLostError,
  type SetAside,
} from '#journal'
import type { Store } from '#store'
import { errorFields, type Log } from '#telemetry'

export interface StartJournalParts {
  readonly environment: Environment
  readonly installation: { readonly id: string; readonly epoch: number }
  readonly node: Pick<Node, 'id' | 'end'>
  readonly store: Store
  readonly limits: Limits
  readonly log: Log
  readonly clock: () => number
  readonly crashPoint: (step: string) => void
  readonly syncMode: () => 'group' | 'always'
}

export interface StartedJournal {
  readonly journal: Journal
  readonly committer: Committer
  /** Commits the journals of nodes that died meanwhile. */
  readonly adopt: () => Promise<void>
  /** Commits the rest, and ends the node in the store; `false` when that could not be done. */
  readonly end: () => Promise<boolean>
}

/** Brings in what dead nodes left, then opens this node's own journal and its way into the store. */
export async function startJournal(parts: StartJournalParts): Promise<StartedJournal> {
  const { environment, installation, node, store, limits, log, clock, crashPoint, syncMode } = parts
  const batches: BatchStore & { endNode(node: string): Promise<void> } = {
    commitBatch: batch => store.run('commitBatch', batch),
    markOf: id => store.run('nodeMark', { id }),
    endNode: id => store.run('endNode', { id }),
  }
  const onSetAside = ({ node, line, error }: SetAside) => {
    const file = join(environment.journalDir, 'set-aside.journal')
    appendFileSync(file, encodeLine(line.text), { mode: 0o600 })
    log.error(
      { node, seq: line.seq, file, ...errorFields(error) },
      'the store refuses a record: it is set aside and in no book',
    )
  }
  const adopt = async () => {
    const adoptions = await adoptJournals({
      journalDir: environment.journalDir,
      ownNode: node.id,
      installation: installation.id,
      store: batches,
      recordsMax: limits.commitRecordsMax,
      onDamage: damage => log.error(damage, 'a journal has damaged records; the others are committed'),
      onSetAside,
      onUnknown: unknown =>
        log.error(
          unknown,
          'a journal of a node that the store does not know is kept: was an older copy put back?',
        ),
      onForeign: foreign => log.warn(foreign, 'a journal of another installation is left alone'),
    })
    for (const adoption of adoptions) log.info(adoption, 'adopted the journal of a dead node')
  }
  await adopt()
  const folder = createFolder(environment.journalDir, node.id)
  const writer = createWriter({
    path: folder.path,
    header: { installation: installation.id, epoch: installation.epoch, node: node.id },
    limits,
  })
  const journal = createJournal({
    writer,
    limits,
    syncMode,
    clock,
    crashPoint,
    onFailure: error => log.error(errorFields(error), 'the journal could not be written'),
  })
  const committer = createCommitter({
    node: node.id,
    uncommitted: journal.uncommitted,
    store: batches,
    limits,
    clock,
    crashPoint,
    onCommitted: mark => writer.discard(mark),
    onSetAside,
    onFailure(error) {
      log.error(errorFields(error), 'a batch could not be committed; it is tried again')
      // Another process has this node's records: writing on would charge them twice.
      if (error instanceof NodeLostError) process.exit(1)
    },
  })
  /** What is not in the store stays in the folder, and whoever starts next adopts it. */
  async function end(): Promise<boolean> {
    committer.stop()
    try {
      journal.close()
      await committer.flush()
      folder.clear()
      await node.end()
      folder.remove()
      return true
    } catch (error) {
      log.error(errorFields(error), 'the journal could not be committed; it is kept for the next start')
      folder.release()
      return false
    }
  }

  return { journal, committer, adopt, end }
}
