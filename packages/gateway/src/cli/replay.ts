import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { dialectNames } from '@yumen/protocol'
import { listRequests, type RequestEntry } from '#analytics'
import type { Snapshot } from '#catalog'
import { type Environment, limits, processEnvironment, readDeclarativeFile } from '#config'
import { createRouting, type RouteAsk } from '#routing'
import { copyTables, openStoreAt, type Store } from '#store'
import { CliError } from './cli-error.ts'
import { filePartsOf } from './file-parts.ts'
import { printJson, printLine, printTable } from './output.ts'
import { readSnapshot } from './read-snapshot.ts'
import { withStore } from './with-store.ts'

interface ReplayOptions {
  readonly file: string
  readonly last: string
  readonly json?: true
}

/** Tables that routing reads; a policy is tried on a copy of them. */
const copied = ['options', 'groups', 'price_versions', 'channels', 'channel_keys'] as const
const lastMax = 100_000

/** Routes the newest recorded requests twice, as things stand and as the file would have them, and compares. Writes nothing. */
export async function replay(options: ReplayOptions): Promise<void> {
  const last = /^\d{1,6}$/.test(options.last) ? Number(options.last) : 0
  if (last < 1 || last > lastMax)
    throw new CliError(`--last: found ${options.last}, allowed: a whole number from 1 to ${lastMax}`)
  await withStore(async ({ store, environment }) => {
    const before = await readSnapshot(store, environment)
    const after = await readPolicy(store, environment, options.file)
    const entries = await readNewest(store, last)
    const result = compare(entries, before, after)
    if (options.json) printJson(result)
    else print(result)
  })
}

/** The snapshot as the file would make it, from a copy that is thrown away. */
async function readPolicy(store: Store, environment: Environment, file: string): Promise<Snapshot> {
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
    await copy.run('applyState', { desired: reading.desired, prune: false, dryRun: false, now: Date.now() })
    return await readSnapshot(copy, environment)
  } finally {
    await copy.close()
    await rm(folder, { recursive: true, force: true })
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

type Compared = ReturnType<typeof compare>

function compare(entries: readonly RequestEntry[], before: Snapshot, after: Snapshot) {
  const asks = entries.map(readAskOf).filter(ask => ask !== undefined)
  const [now, then] = [before, after].map(snapshot => sharesOf(asks, snapshot))
  const names = [...new Set([...(now?.requests.keys() ?? []), ...(then?.requests.keys() ?? [])])].sort()
  const rounded = (value: number | undefined) => Math.round((value ?? 0) * 10) / 10
  return {
    requests: asks.length,
    /** Requests that would be answered by another channel, as far as chance lets it be said. */
    moved: rounded(
      names.reduce(
        (sum, name) => sum + Math.max(0, (then?.requests.get(name) ?? 0) - (now?.requests.get(name) ?? 0)),
        0,
      ),
    ),
    unserved: { before: now?.unserved ?? 0, after: then?.unserved ?? 0 },
    channels: names.map(name => ({
      channel: name,
      before: rounded(now?.requests.get(name)),
      after: rounded(then?.requests.get(name)),
    })),
  }
}

/** Expected requests by channel: each request counts with the shares of its first candidates. */
function sharesOf(asks: readonly RouteAsk[], snapshot: Snapshot) {
  const routing = createRouting({
    snapshot: () => snapshot,
    random: Math.random,
    clock: () => 0,
    onReport: () => undefined,
    limits,
  })
  const requests = new Map<string, number>()
  const known = new Map<string, readonly { name: string; share: number }[]>()
  let unserved = 0
  for (const ask of asks) {
    const kind = [ask.group, ask.model, ask.dialect, ask.operation, ask.isStreaming].join(' ')
    let firsts = known.get(kind)
    if (firsts === undefined) {
      firsts = routing
        .explain(ask)
        .candidates.filter(({ tier, excluded }) => tier === 0 && excluded === undefined)
        .map(({ channel, share }) => ({ name: channel.name, share }))
      known.set(kind, firsts)
    }
    if (firsts.length === 0) unserved += 1
    for (const { name, share } of firsts) requests.set(name, (requests.get(name) ?? 0) + share)
  }
  return { requests, unserved }
}

/** A record has no body: affinity is left out, which moves requests among channels of one tier and no share. */
function readAskOf(entry: RequestEntry): RouteAsk | undefined {
  const { group, dialect, operation, isStreaming } = JSON.parse(entry.packed)
  const spoken = dialectNames.find(name => name === dialect)
  if (spoken === undefined) return undefined
  return {
    group,
    model: entry.model,
    dialect: spoken,
    operation,
    isStreaming,
    pinnedChannelId: undefined,
    affinity: () => undefined,
  }
}

function print({ requests, moved, unserved, channels }: Compared): void {
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
  if (unserved.before > 0 || unserved.after > 0)
    printLine(`Nobody could serve ${unserved.before} now, ${unserved.after} with the file.`)
}
