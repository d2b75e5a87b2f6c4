import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { dialectNames } from '@yumen/protocol'
import { listRequests, type RequestEntry } from '#analytics'
import type { Snapshot } from '#catalog'
import { processEnvironment, readDeclarativeFile } from '#config'
import type { RouteAsk } from '#routing'
import { copyTables, openStoreAt, type Store, StoreError } from '#store'
import { CliError } from './cli-error.ts'
import { type Comparison, compareRoutes } from './compare-routes.ts'
import { filePartsOf } from './file-parts.ts'
import { printJson, printLine, printTable } from './output.ts'
import { readSnapshot } from './read-snapshot.ts'
import { type StoreWork, withStore } from './with-store.ts'

interface ReplayOptions {
  readonly file: string
  readonly last: string
  readonly prune?: true
  readonly json?: true
}

/** Tables that `apply` reads and writes: a policy is tried on a copy of them, so that what it takes is taken here, and no more. */
const copied = [
  'options',
  'groups',
  'price_versions',
  'channels',
  'channel_keys',
  'accounts',
  'users',
  'organisations',
  'api_keys',
  'applied_objects',
] as const
const lastMax = 100_000

/** Routes the newest recorded requests twice, as things stand and as the file would have them, and compares. Writes nothing. */
export async function replay(options: ReplayOptions): Promise<void> {
  const last = /^\d{1,6}$/.test(options.last) ? Number(options.last) : 0
  if (last < 1 || last > lastMax)
    throw new CliError(`--last: found ${options.last}, allowed: a whole number from 1 to ${lastMax}`)
  await withStore(async ({ store, environment }) => {
    const before = await readSnapshot(store, environment)
    const after = await readPolicy({ store, environment }, options)
    const entries = await readNewest(store, last)
    const autoKeys = await readAutoKeys(store)
    const asks = entries.map(entry => askOf(entry, autoKeys)).filter(ask => ask !== undefined)
    const result = compareRoutes(asks, { before, after })
    if (options.json) printJson(result)
    else print(result)
  })
}

/** The snapshot as the file would make it, from a copy that is thrown away. */
async function readPolicy(
  { store, environment }: StoreWork,
  { file, prune }: Pick<ReplayOptions, 'file' | 'prune'>,
): Promise<Snapshot> {
  const folder = await mkdtemp(join(tmpdir(), 'yumen-replay-'))
  const path = join(folder, 'copy.db')
  const open = () => openStoreAt({ kind: 'sqlite', path }, { migrate: true })
  let copy = await open()
  try {
    await copy.close()
    await copyTables(store, path, copied)
    copy = await open()
    const reading = await readDeclarativeFile({
      ...filePartsOf(environment, async () => copy),
      text: await readFile(file, 'utf8'),
      fileName: file,
      source: resolve(file),
      folder: dirname(resolve(file)),
      env: processEnvironment(),
    })
    if (reading.kind === 'issues') throw new CliError(reading.issues.map(({ text }) => text).join('\n'))
    await tryState(copy, reading, prune === true)
    return await readSnapshot(copy, environment)
  } finally {
    await copy.close()
    await rm(folder, { recursive: true, force: true })
  }
}

type FileState = Extract<Awaited<ReturnType<typeof readDeclarativeFile>>, { kind: 'state' }>

async function tryState(copy: Store, { desired, placeMessage }: FileState, prune: boolean): Promise<void> {
  try {
    await copy.run('applyState', { desired, prune, dryRun: false, now: Date.now() })
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'invalid') throw error
    throw new CliError(placeMessage(error.message), { cause: error })
  }
}

async function readNewest(store: Store, last: number): Promise<readonly RequestEntry[]> {
  const db = await store.kysely()
  const entries: RequestEntry[] = []
  let after: string | undefined
  do {
    const page = await listRequests(db, { limit: Math.min(1_000, last - entries.length), after })
    entries.push(...page.items)
    after = page.next
  } while (after !== undefined && entries.length < last)
  return entries
}

/** Keys that are in the group `auto` now: a record names the group by which the answering channel was found. */
async function readAutoKeys(store: Store): Promise<ReadonlySet<number>> {
  const rows = await store.query<{ id: number }>(
    `SELECT k.id FROM api_keys AS k JOIN users AS u ON u.id = k.user_id
      WHERE COALESCE(k.group_name, u.group_name) = 'auto'`,
    [],
  )
  return new Set(rows.map(({ id }) => id))
}

/** A record has no body: affinity is left out, which moves requests among channels of one tier and no share. */
function askOf(entry: RequestEntry, autoKeys: ReadonlySet<number>): RouteAsk | undefined {
  const { group, dialect, operation, isStreaming } = JSON.parse(entry.packed)
  const spoken = dialectNames.find(name => name === dialect)
  if (spoken === undefined) return undefined
  return {
    group: autoKeys.has(entry.api_key_id) ? 'auto' : group,
    model: entry.model,
    dialect: spoken,
    operation,
    isStreaming,
    pinnedChannelId: undefined,
    affinity: () => undefined,
  }
}

/** More of them than anybody reads; `--json` has all. */
const movesShownMax = 20

function print({ requests, moved, moves, unserved, channels }: Comparison): void {
  printTable(
    channels,
    [
      { title: 'CHANNEL', value: each => each.channel },
      { title: 'NOW', value: each => each.before, isNumber: true },
      { title: 'WITH THE FILE', value: each => each.after, isNumber: true },
    ],
    'No channel would be asked.',
  )
  printLine(`Of ${requests} requests ${moved} would go elsewhere.`)
  if (moves.length > 0) {
    printTable(
      moves.slice(0, movesShownMax),
      [
        { title: 'MODEL', value: each => each.model },
        { title: 'FROM', value: each => each.from ?? 'nobody' },
        { title: 'TO', value: each => each.to ?? 'nobody' },
        { title: 'REQUESTS', value: each => each.requests, isNumber: true },
      ],
      '',
    )
  }
  if (moves.length > movesShownMax) printLine(`${moves.length - movesShownMax} lines more: --json has all.`)
  if (unserved.before > 0 || unserved.after > 0)
    printLine(`Nobody could serve ${unserved.before} now, ${unserved.after} with the file.`)
}
