import type { Command } from 'commander'
import type { PriceVersion, Snapshot } from '#catalog'
import { limits } from '#config'
import type { Refusal } from '#relay'
import { createRouting, type Explanation, type RouteAsk } from '#routing'
import type { Store } from '#store'
import { readHealth } from '../../share-health.ts'
import { type AskOptions, explainableDialects, readAsk } from '../explain-ask.ts'
import { printFacts, printJson, printLine, printNote, printTable } from '../output.ts'
import { readSnapshot } from '../read-snapshot.ts'
import { findRequestShown, printAttempts } from '../requests.ts'
import { withStore } from '../with-store.ts'

interface ExplainOptions extends AskOptions {
  readonly requestId?: string
  readonly json?: true
}

export function define(command: Command): void {
  command
    .option('--key <key>', 'the API key that asks, as its client has it')
    .option('--model <name>', "the model, as the client names it; else the request's")
    .option('--group <name>', "another group than the key's")
    .option('--dialect <name>', `what the client speaks: ${explainableDialects.join(', ')}`, 'openai-chat')
    .option('--stream', 'the answer is streamed')
    .option('--request <file>', 'the body as the client sends it, byte for byte; affinity is read from it')
    .option('--header <line>', "a header of the request, 'name: value'; may be repeated", collect, [])
    .option('--client-ip <address>', 'where the request comes from, for keys that are bound to addresses')
    .option('--request-id <id>', 'what was decided for a past request, from its record')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Channels are shown in the order in which they would be tried: by what is configured, and by what running gateways have told of
rests and open breakers. Ceilings and slow outliers are known to each gateway alone: the record of a request names them.
What is marked as a last resort is tried when all else has failed; where there is nothing else, it gets everything.

The key is admitted as the relay admits it: a request that would be refused has no shares. Balances, rate limits and
sensitive words are not looked at. A conversation is known by the bytes of its body, and by headers such as session_id.

Examples:
  yumen explain --key sk-… --model gpt-4o
  yumen explain --group vip --model claude-sonnet-4-5 --dialect anthropic --json
  yumen explain --key sk-… --request body.json --header 'session_id: 42'
  yumen explain --request-id 01JZ8M3C9F4T2Q7R5V0W6X1Y2Z
  yumen explain replay --last 1000 -f policy.yaml`,
    )
    .action(explain)
  command
    .command('replay')
    .description('Try a policy dry on recorded requests: who would be chosen, and what would change')
    .requiredOption('-f, --file <path>', 'a declarative file with the channels, groups and options to try')
    .option('--last <number>', 'so many recorded requests, the newest', '1000')
    .option(
      '--prune',
      'as `apply --prune`: without what an earlier apply of this file created and it no longer names',
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A record holds neither the body nor a channel that was named behind the key: conversations are not kept together, and
requests for a named channel are routed like others. Requests of a key that is in the group auto now are routed in auto.
Users and API keys of the file are read and change nothing.

Examples:
  yumen explain replay --last 1000 -f policy.yaml
  yumen explain replay --prune -f yumen.yaml`,
    )
    // `--json` behind `replay` is read by the command above it, which has one too.
    .action(async (_own: unknown, own: Command) =>
      (await import('../replay.ts')).replay(own.optsWithGlobals()),
    )
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

async function explain(options: ExplainOptions): Promise<void> {
  await withStore(async ({ store, environment }) => {
    if (options.requestId !== undefined) return explainPast(store, options.requestId, options)
    const snapshot = await readSnapshot(store, environment)
    const { ask, refusal, isAddressOpen } = await readAsk({ store, snapshot }, options)
    const routing = createRouting({
      snapshot: () => snapshot,
      random: Math.random,
      clock: () => performance.now(),
      onReport: () => undefined,
      limits,
    })
    routing.hear(await readHealth(store, { now: Date.now(), except: '' }))
    const explanation = routing.explain(ask)
    const shown = await show(store, { snapshot, ask, explanation, refusal })
    if (options.json) printJson(shown)
    else print(shown)
    if (isAddressOpen)
      printNote('The key may be used from certain addresses only: --client-ip has one looked at.')
  })
}

type Shown = Awaited<ReturnType<typeof show>>

interface Found {
  readonly snapshot: Snapshot
  readonly ask: RouteAsk
  readonly explanation: Explanation
  readonly refusal: Refusal | undefined
}

/** Contract of `explain --json`. */
async function show(store: Store, { snapshot, ask, explanation, refusal }: Found) {
  const { candidates, reason } = explanation
  const price = snapshot.findPrice(ask.model)
  return {
    model: ask.model,
    group: ask.group,
    dialect: ask.dialect,
    affinity: ask.affinity() !== undefined,
    candidates: candidates.map(({ channel, group, upstreamModel, tier, share, excluded, isLastResort }) => ({
      channel: channel.name,
      tier,
      share: refusal === undefined ? Math.round(share * 10_000) / 10_000 : 0,
      group,
      upstreamModel,
      ...(excluded !== undefined && { excluded: excluded.reason }),
      ...(excluded?.forMs !== undefined && { excludedForMs: excluded.forMs }),
      ...(isLastResort && { lastResort: true }),
    })),
    price:
      price === undefined ? null : await showPrice(store, price, snapshot.groups.get(ask.group)?.ratioText),
    reason: reason ?? null,
    /** The relay turns the request away before it is routed. */
    refusal: refusal ?? null,
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

function print({ candidates, price, reason, refusal, affinity, model, group }: Shown): void {
  printTable(
    candidates,
    [
      { title: 'CHANNEL', value: each => each.channel },
      { title: 'GROUP', value: each => each.group },
      { title: 'TIER', value: each => each.tier, isNumber: true },
      { title: 'SHARE', value: each => `${Math.round(each.share * 1_000) / 10} %`, isNumber: true },
      { title: 'UPSTREAM MODEL', value: each => each.upstreamModel },
      { title: 'EXCLUDED', value: excludedText },
    ],
    `No channel of the group ${group} lists ${model}.`,
  )
  if (refusal !== null) printNote(`The request is refused with ${refusal.status}: ${refusal.message}.`)
  else if (candidates.some(each => each.lastResort && each.share > 0))
    printNote('Nothing is sound: what is a last resort gets all.')
  if (affinity)
    printNote('A sign of a conversation in the request chooses: the first channel gets all of its turns.')
  if (reason !== null) printNote(`Nothing can be tried: ${reason}.`)
  if (price === null) printNote(`No price is in force for ${model}: it is charged zero.`)
  else printLine(`Price ${price.pattern} (version ${price.version}): ${JSON.stringify(price.rates)}`)
}

function excludedText({ excluded, lastResort }: Shown['candidates'][number]): string | undefined {
  return lastResort ? `${excluded} (last resort)` : excluded
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
