import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { PriceVersion, Snapshot } from '#catalog'
import { limits } from '#config'
import { findKeyRow, hashApiKey, readCallerKey, splitPinned } from '#identity'
import { readRouteAsk } from '#relay'
import { createRouting, type Explanation, type RouteAsk } from '#routing'
import type { Store } from '#store'
import { readHealth } from '../../share-health.ts'
import { CliError } from '../cli-error.ts'
import { printFacts, printJson, printLine, printNote, printTable } from '../output.ts'
import { readSnapshot } from '../read-snapshot.ts'
import { findRequestShown, printAttempts } from '../requests.ts'
import { withStore } from '../with-store.ts'

interface ExplainOptions {
  readonly key?: string
  readonly model?: string
  readonly group?: string
  readonly dialect: string
  readonly stream?: true
  readonly request?: string
  readonly requestId?: string
  readonly json?: true
}

/** Where a request of each dialect is sent when no file says more. */
const paths: Readonly<Record<string, (model: string, isStreaming: boolean) => string>> = {
  'openai-chat': () => '/v1/chat/completions',
  'openai-responses': () => '/v1/responses',
  anthropic: () => '/v1/messages',
  gemini: (model, isStreaming) =>
    `/v1beta/models/${encodeURIComponent(model)}:${isStreaming ? 'streamGenerateContent' : 'generateContent'}`,
}

export function define(command: Command): void {
  command
    .option('--key <key>', 'the API key that asks, as its client has it')
    .option('--model <name>', "the model, as the client names it; else the request's")
    .option('--group <name>', "another group than the key's")
    .option('--dialect <name>', `what the client speaks: ${Object.keys(paths).join(', ')}`, 'openai-chat')
    .option('--stream', 'the answer is streamed')
    .option('--request <file>', 'a body in JSON; affinity is read from it')
    .option('--request-id <id>', 'what was decided for a past request, from its record')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Channels are shown in the order in which they would be tried: by what is configured, and by what running gateways have told of
rests and open breakers. Ceilings and slow outliers are known to each gateway alone: the record of a request names them.

Examples:
  yumen explain --key sk-… --model gpt-4o
  yumen explain --group vip --model claude-sonnet-4-5 --dialect anthropic --json
  yumen explain --request-id 01JZ8M3C9F4T2Q7R5V0W6X1Y2Z
  yumen explain replay --last 1000 -f policy.yaml`,
    )
    .action(explain)
  command
    .command('replay')
    .description('Try a policy dry on recorded requests: who would be chosen, and what would change')
    .requiredOption('-f, --file <path>', 'a declarative file with the channels, groups and options to try')
    .option('--last <number>', 'so many recorded requests, the newest', '1000')
    .option('--json', 'print one JSON document')
    // `--json` behind `replay` is read by the command above it, which has one too.
    .action(async (_own: unknown, own: Command) =>
      (await import('../replay.ts')).replay(own.optsWithGlobals()),
    )
}

async function explain(options: ExplainOptions): Promise<void> {
  await withStore(async ({ store, environment }) => {
    if (options.requestId !== undefined) return explainPast(store, options.requestId, options)
    const snapshot = await readSnapshot(store, environment)
    const ask = await readAsk(store, options)
    const routing = createRouting({
      snapshot: () => snapshot,
      random: Math.random,
      clock: () => performance.now(),
      onReport: () => undefined,
      limits,
    })
    routing.hear(await readHealth(store, { now: Date.now(), except: '' }))
    const explanation = routing.explain(ask)
    const shown = await show(store, { snapshot, ask, explanation })
    if (options.json) printJson(shown)
    else print(shown)
  })
}

async function readAsk(store: Store, options: ExplainOptions): Promise<RouteAsk> {
  const pathOf = Object.hasOwn(paths, options.dialect) ? paths[options.dialect] : undefined
  if (pathOf === undefined)
    throw new CliError(`--dialect: found ${options.dialect}, allowed: ${Object.keys(paths).join(', ')}`)
  const sent = options.request === undefined ? undefined : parseBody(await readFile(options.request, 'utf8'))
  const model = options.model ?? (typeof sent?.['model'] === 'string' ? sent['model'] : undefined)
  if (model === undefined) throw new CliError('--model: name the model, or give a --request that does')
  const isStreaming = options.stream === true || sent?.['stream'] === true
  const body = { ...sent, ...(options.dialect !== 'gemini' && { model, stream: isStreaming }) }
  return readRouteAsk({
    path: pathOf(model, isStreaming),
    body: Buffer.from(JSON.stringify(body)),
    ...(await readAsker(store, options)),
    limits,
  })
}

function parseBody(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new CliError('--request: the file holds no JSON object')
}

interface Asker {
  readonly group: string
  readonly pinnedChannelId: number | undefined
}

/** Who asks: by the key as its client has it, read as the relay reads it. */
async function readAsker(store: Store, { key, group }: ExplainOptions): Promise<Asker> {
  if (key === undefined) {
    if (group === undefined) throw new CliError('--key: name the API key that asks, or a --group')
    return { group, pinnedChannelId: undefined }
  }
  const pinned = splitPinned(key)
  const own = (await findGroup(store, key)) ?? (await findGroup(store, `sk-${key}`))
  if (own !== undefined) return { group: group ?? own, pinnedChannelId: undefined }
  const owners = pinned && (await findGroup(store, pinned.key))
  if (owners === undefined) throw new CliError('--key: there is no such API key: `yumen key list` shows all')
  return { group: group ?? owners, pinnedChannelId: pinned?.channelId }
}

async function findGroup(store: Store, key: string): Promise<string | undefined> {
  const row = await findKeyRow(store.query, hashApiKey(key))
  return row && readCallerKey(row).group
}

type Shown = Awaited<ReturnType<typeof show>>

/** Contract of `explain --json`. */
async function show(
  store: Store,
  { snapshot, ask, explanation }: { snapshot: Snapshot; ask: RouteAsk; explanation: Explanation },
) {
  const { candidates, reason } = explanation
  const price = snapshot.findPrice(ask.model)
  return {
    model: ask.model,
    group: ask.group,
    dialect: ask.dialect,
    affinity: ask.affinity() !== undefined,
    candidates: candidates.map(({ channel, group, upstreamModel, tier, share, excluded }) => ({
      channel: channel.name,
      tier,
      share: Math.round(share * 10_000) / 10_000,
      group,
      upstreamModel,
      ...(excluded !== undefined && { excluded: excluded.reason }),
      ...(excluded?.forMs !== undefined && { excludedForMs: excluded.forMs }),
    })),
    price:
      price === undefined ? null : await showPrice(store, price, snapshot.groups.get(ask.group)?.ratioText),
    reason: reason ?? null,
  }
}

async function showPrice(store: Store, { id }: PriceVersion, groupRatio: string | undefined) {
  const [row] = await store.query<{ pattern: string; rates: string }>(
    'SELECT pattern, rates FROM price_versions WHERE id = $1',
    [id],
  )
  const rates: unknown = row === undefined ? {} : JSON.parse(row.rates)
  return { version: id, pattern: row?.pattern ?? null, groupRatio: groupRatio ?? null, rates }
}

function print({ candidates, price, reason, affinity, model, group }: Shown): void {
  printTable(
    candidates,
    [
      { title: 'CHANNEL', value: each => each.channel },
      { title: 'GROUP', value: each => each.group },
      { title: 'TIER', value: each => each.tier, isNumber: true },
      { title: 'SHARE', value: each => `${Math.round(each.share * 1_000) / 10} %`, isNumber: true },
      { title: 'UPSTREAM MODEL', value: each => each.upstreamModel },
      { title: 'EXCLUDED', value: each => each.excluded },
    ],
    `No channel of the group ${group} lists ${model}.`,
  )
  if (affinity)
    printNote('A sign of a conversation in the request chooses: the first channel gets all of its turns.')
  if (reason !== null) printNote(`Nothing can be tried: ${reason}.`)
  if (price === null) printNote(`No price is in force for ${model}: it is charged zero.`)
  else printLine(`Price ${price.pattern} (version ${price.version}): ${JSON.stringify(price.rates)}`)
}

async function explainPast(store: Store, id: string, { json }: ExplainOptions): Promise<void> {
  const shown = await findRequestShown(await store.kysely(), id)
  const { requestId, model, group, channel, affinity, passedOver, attempts } = shown
  const decision = { requestId, model, group, channel, affinity, passedOver, attempts }
  if (json) return printJson(decision)
  printFacts({ requestId, model, group, channel: channel ?? undefined, affinity: affinity ? 'yes' : 'no' })
  printTable(
    passedOver,
    [
      { title: 'PASSED OVER', value: each => each.channel },
      { title: 'REASON', value: each => each.reason },
    ],
    'No channel was passed over.',
  )
  printAttempts(attempts)
}
