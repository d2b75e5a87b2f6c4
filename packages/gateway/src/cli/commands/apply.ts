import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { limits, processEnvironment, readDeclarativeFile, readEnvironment, type StateChange } from '#config'
import { openStoreAt, type Store, StoreError } from '#store'
import { CliError, exitCodes } from '../cli-error.ts'
import { filePartsOf } from '../file-parts.ts'
import { printJson, printLine, printNote, printWarning } from '../output.ts'
import { readStdin } from '../read-input.ts'
import { jsonOfChanges, printChanges } from '../state-changes.ts'

interface ApplyOptions {
  readonly file: string
  readonly dryRun?: true
  readonly prune?: true
  readonly json?: true
}

export function define(command: Command): void {
  command
    .requiredOption('-f, --file <path>', 'the file, YAML or JSON; - reads stdin')
    .option('--dry-run', 'print the difference and change nothing')
    .option('--prune', 'remove what an earlier apply of this file created and it no longer names')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
What the file does not name is left alone. A running gateway picks the change up within a second. API keys that
the file names without a key are made and printed once.

Examples:
  yumen apply -f yumen.yaml --dry-run
  yumen apply -f yumen.yaml --prune
  yumen export | sed 's/weight: 1/weight: 2/' | yumen apply -f -`,
    )
    .action(apply)
}

async function apply(options: ApplyOptions): Promise<void> {
  const environment = readEnvironment()
  let opened: Promise<Store> | undefined
  const store = () => {
    opened ??= openStoreAt(environment.store, { migrate: true })
    return opened
  }
  try {
    const isStdin = options.file === '-'
    const reading = await readDeclarativeFile({
      ...filePartsOf(environment, store),
      text: isStdin ? await readStdin(limits.configFileBytesMax) : await readFile(options.file, 'utf8'),
      fileName: isStdin ? 'stdin' : options.file,
      source: isStdin ? 'stdin' : resolve(options.file),
      folder: isStdin ? process.cwd() : dirname(resolve(options.file)),
      env: processEnvironment(),
    })
    if (reading.kind === 'issues') return refuse(reading.issues, options)
    for (const warning of reading.warnings) printWarning(warning)
    const changes = await applyState(await store(), reading, options)
    const made = options.dryRun
      ? []
      : reading.generatedKeys.filter(({ user, name }) => isCreated(changes, `${user}/${name}`))
    if (options.json)
      printJson({
        dryRun: options.dryRun ?? false,
        changes: jsonOfChanges(changes),
        generatedKeys: made,
        warnings: reading.warnings,
      })
    else printDone({ changes, made, isDry: options.dryRun ?? false })
  } finally {
    await (await opened)?.close()
  }
}

type FileState = Extract<Awaited<ReturnType<typeof readDeclarativeFile>>, { kind: 'state' }>

async function applyState(
  store: Store,
  { desired, placeMessage }: FileState,
  options: ApplyOptions,
): Promise<readonly StateChange[]> {
  const { prune = false, dryRun = false } = options
  try {
    return (await store.run('applyState', { desired, prune, dryRun, now: Date.now() })).changes
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'invalid') throw error
    throw new CliError(`${placeMessage(error.message)}\nNothing was applied.`, { cause: error })
  }
}

function refuse(issues: readonly { readonly text: string }[], { json }: ApplyOptions): void {
  const count = issues.length === 1 ? 'one thing is' : `${issues.length} things are`
  const lines = [...issues.map(({ text }) => text), `Nothing was applied: ${count} wrong.`]
  if (json) printJson({ error: { message: lines.join('\n') } })
  else for (const line of lines) printNote(line)
  process.exitCode = exitCodes.wrong
}

function isCreated(changes: readonly StateChange[], name: string): boolean {
  return changes.some(
    change => change.kind === 'apiKey' && change.action === 'create' && change.name === name,
  )
}

interface Done {
  readonly changes: readonly StateChange[]
  readonly made: readonly { readonly user: string; readonly name: string; readonly key: string }[]
  readonly isDry: boolean
}

function printDone({ changes, made, isDry }: Done): void {
  printChanges(changes)
  const count = changes.length === 1 ? '1 change' : `${changes.length} changes`
  if (changes.length === 0) printLine('Nothing to change.')
  else printLine(isDry ? `${count}; nothing was applied.` : `${count} applied.`)
  for (const { user, name, key } of made) printLine(`API key ${user}/${name}, shown only now: ${key}`)
}
