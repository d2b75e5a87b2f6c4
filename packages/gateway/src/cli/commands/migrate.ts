import type { Command } from 'commander'
import { readEnvironment } from '#config'
import { migrate as migrateStore, migrationStatus, openStoreAt } from '#store'
import { printJson, printLine } from '../output.ts'

interface MigrateOptions {
  readonly status?: true
  readonly json?: true
}

export function define(command: Command): void {
  command
    .option('--status', 'say what is pending and change nothing')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
\`serve\` does this by itself at its start. Migrations only go forward: make a backup first.

Examples:
  yumen migrate --status
  yumen migrate`,
    )
    .action(migrate)
}

async function migrate({ status, json }: MigrateOptions): Promise<void> {
  const store = await openStoreAt(readEnvironment().store, { migrate: false })
  try {
    const applied = status ? [] : await migrateStore(store)
    const { current, known, pending } = await migrationStatus(store)
    if (json) printJson({ store: store.kind, current, known, applied, pending })
    else {
      for (const name of applied) printLine(`Applied ${name}`)
      printLine(
        pending.length > 0 ? `Pending: ${pending.join(', ')}` : `The schema is up to date (${current}).`,
      )
    }
  } finally {
    await store.close()
  }
}
