import { totalmem } from 'node:os'

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB

/**
 * Limits that are the same everywhere, each with the reason for its number. The last word of a name is its
 * unit or bound.
 */
const fixed = {
  jsonDepthMax: limit(512, 'Nesting of a JSON body; official clients stay below 30.'),
  topLevelMembersMax: limit(1024, 'Members at the top of a JSON body; no dialect has 100.'),
  headerBytesMax: limit(
    32 * KiB,
    'All headers of a request together, and its URL by itself; twice what Node allows.',
  ),
  headersCountMax: limit(200, 'Headers of a request; browsers and SDKs send fewer than 40.'),
  headersTimeoutMs: limit(15_000, 'From the connection to the last header; then the client is cut off.'),
  requestTimeoutMs: limit(
    600_000,
    'From the first byte of a request to its last: 128 MiB at 220 KiB a second.',
  ),
  bodyIdleTimeoutMs: limit(30_000, 'Silence within a request body; then 408.'),
  connectionsMax: limit(
    20_000,
    'Open client connections; about 10 KiB each, 200 MiB in all. Further ones are closed.',
  ),
  connectionsPerAddressMax: limit(
    10_000,
    'Open connections of one address (IPv6: of a /64): half of all. Further ones get 429. Option server.connectionsPerAddressMax.',
  ),
  streamsPerKeyMax: limit(
    10_000,
    'Open streams of one API key: half of what there may be at all. The newest gets 429. Option server.streamsPerKeyMax.',
  ),
  loopDelayMsMax: limit(
    500,
    'The event loop is late by more for a second: new requests get 503 until it is late by less than half.',
  ),
  keepAliveMs: limit(
    75_000,
    'An idle client connection stays open: longer than the 60 s of common load balancers.',
  ),
  upstreamConnectionsPerShard: limit(
    500,
    'Connections to one upstream origin from one pool; further requests open another pool.',
  ),
  upstreamKeepAliveMs: limit(
    55_000,
    'An idle upstream connection stays open: less than the 60 s after which they close it.',
  ),
  upstreamAnswerBytesMax: limit(64 * MiB, 'A whole answer of an upstream: several images in base64.'),
  errorBodyBytesMax: limit(64 * KiB, "What is read of an upstream's refusal; the rest is dropped."),
  namedRestMsMax: limit(
    3_600_000,
    'A rest that an upstream asks for; longer ones are a mistake or a mended account: it is asked again after an hour.',
  ),
  toldWaitMsMax: limit(
    300_000,
    'Retry-After to a client while upstreams rest: in five minutes another one may serve it.',
  ),
  channelTestMsMax: limit(
    15_000,
    'A channel test, first byte and all: some tokens take 5 s; then the upstream counts as too slow.',
  ),
  channelTestsAtOnce: limit(
    4,
    'Channels under test: one that hangs does not hold up the round; of each, one key after the other.',
  ),
  sseEventBytesMax: limit(16 * MiB, 'One event of a stream: an image of 12 MiB in base64.'),
  tailBytesMax: limit(
    64 * KiB,
    'The end of a stream that is held until it is settled; a finish and a usage chunk take 2 KiB.',
  ),
  preludeBytesMax: limit(
    256 * KiB,
    'What a stream may send before its first content: pings and heads; then another upstream.',
  ),
  parseBytesMax: limit(
    1 * MiB,
    'A whole answer up to this size is parsed at once, some 3 ms; of larger ones only the usage.',
  ),
  progressTokens: limit(256, 'Of a stream, what a power cut or a kill may leave uncharged.'),
  progressMs: limit(1_000, 'The same in time.'),
  upstreamOriginsMax: limit(
    1_000,
    'Upstream addresses, by proxy, with open connections; the least used one is closed.',
  ),
  connectTimeoutMsMax: limit(
    60_000,
    'The client library gives a connection up then; ours gives it up sooner.',
  ),
  tokenCountsPendingMax: limit(256, 'Texts in the queue of the tokenizer; further ones are counted roughly.'),
  tokenCountCharsMax: limit(
    4 * MiB,
    'A longer request is counted roughly: it would keep the tokenizer from the others.',
  ),
  tokenCountTimeoutMs: limit(
    3_000,
    "The tokenizer's answer is waited for; then the text is counted roughly.",
  ),
  tokenWorkerIdleMs: limit(
    60_000,
    "The tokenizer's thread goes when nobody asked it for so long: it holds some 50 MB.",
  ),
  sensitiveSliceBytesMax: limit(
    256 * KiB,
    'Of a prompt, what is searched for sensitive words in one turn, some 3 ms; then others have theirs.',
  ),
  fetchBytesMax: limit(
    64 * MiB,
    'What a user had fetched (an image, a file), before and after decompression; then it is refused.',
  ),
  fetchTimeoutMs: limit(
    30_000,
    'A fetch of a user, names, redirects and body together; then it is given up.',
  ),
  fetchRedirectsMax: limit(3, 'Redirects that a fetch follows, each checked as the first address was.'),
  fetchesMax: limit(64, 'Fetches of users at once, 64 MiB each at most; further ones are refused.'),
  journalBytesMax: limit(
    2 * GiB,
    'All files of one journal on disk, kept ones too; beyond it new requests get 503.',
  ),
  journalKeepBytesMax: limit(256 * MiB, 'Committed segments that are kept for inspection.'),
  journalSegmentBytes: limit(64 * MiB, 'One file of the journal; a new one is begun then.'),
  journalQueueBytesMax: limit(
    64 * MiB,
    'Records in memory that wait for the store; beyond it new requests get 503.',
  ),
  journalSyncMs: limit(100, 'What a power cut may take at most, with journal.sync: group.'),
  journalWriteMsMax: limit(
    250,
    'A write that takes longer sheds new requests for a second: the disk is not keeping up.',
  ),
  commitRecordsMax: limit(2_000, 'Records of one batch: some 50 ms of the writing thread.'),
  commitIntervalMs: limit(
    200,
    'Longest wait of an ended request for its batch: with the commit itself it shows within 1 s.',
  ),
  heartbeatMs: limit(5_000, 'A node says that it lives.'),
  nodeLifeMs: limit(90_000, 'A node without a heartbeat counts as dead: 18 heartbeats.'),
  leaderLifeMs: limit(
    15_000,
    'A leader that did not prolong its lease for so long is none: three heartbeats; then another node leads.',
  ),
  adoptIntervalMs: limit(30_000, 'The leader looks for journals of dead nodes.'),
  workersMax: limit(64, 'Worker processes of one machine; each holds some 90 MB and is a node of its own.'),
  workerReadyMsMax: limit(
    120_000,
    'From the start of a worker to the moment it can serve, adopting journals included; then it is killed.',
  ),
  workerEarlyEndMs: limit(10_000, 'A worker that ends sooner after its start has died at once.'),
  workerEarlyEndsMax: limit(5, 'Times in a row that a worker may die at once; then the gateway gives up.'),
  workerRetireIdleMs: limit(
    5_000,
    'Client connections at rest stay open in a worker that is being replaced; a request on them is answered.',
  ),
  workerStopMsMax: limit(
    75_000,
    'From SIGTERM, or the end of its retirement, to the end of a worker: both drains and the last commit; then it is killed.',
  ),
  workerPingMs: limit(1_000, 'The parent asks every worker for a sign of life: a message of some bytes.'),
  workerStuckMs: limit(
    2_000,
    'A worker that gives no sign of life for so long gets no connections until it does.',
  ),
  workerSilentMsMax: limit(60_000, 'Without any sign of life for so long a worker is killed and replaced.'),
  workerHoldMsMax: limit(
    10_000,
    'While no worker serves, new connections wait for one that is being started again; then they get 503.',
  ),
  workerHeldMax: limit(1_000, 'Connections that wait so; further ones get 503 at once.'),
  metricsTimeoutMs: limit(1_000, 'A worker tells its metrics; then those that it told last are taken.'),
  snapshotPollMs: limit(
    400,
    'A node looks for changes of configuration and keys: with the reading, in force within a second.',
  ),
  healthEntriesMax: limit(
    10_000,
    'Models, and keys that rest, that are known of one channel; some names are clients’ to choose: the oldest go.',
  ),
  healthReportsMax: limit(
    10_000,
    'What is learnt of channels and waits to be told to the other nodes; the oldest go.',
  ),
  keyCacheMax: limit(50_000, 'API keys in memory, about 1 KiB each: 50 MiB.'),
  unknownKeyCacheMax: limit(
    10_000,
    'Hashes of keys that do not exist, so that a flood of wrong ones never reaches the store.',
  ),
  keyLookupsMax: limit(256, 'Keys that are looked up in the store at once; further cold ones get 503.'),
  unknownKeyLifeMs: limit(10_000, 'A key that did not exist is looked up again.'),
  rateBucketsMax: limit(
    100_000,
    'Rate limits under way in memory, some 150 bytes each: 15 MB. Beyond it the one that rested longest begins anew.',
  ),
  rateSweepMs: limit(1_000, 'Rate limits that are whole again are looked for and dropped.'),
  rateSweepMax: limit(2_000, 'Those that are looked at each time, some 1 ms: all of them within a minute.'),
  outputTokensAssumed: limit(
    1_024,
    'What an answer counts against tokens per minute until it is known, where the client sets no limit.',
  ),
  concurrencyRetryMs: limit(
    1_000,
    'Retry-After where a request has to wait for another one: nobody knows its end.',
  ),
  redisTimeoutMs: limit(
    100,
    'Redis is waited for; then this node limits by itself until it is back. Redis answers within 1 ms.',
  ),
  redisConnectMs: limit(2_000, 'A connection to Redis; at the start it is waited for as long.'),
  redisProbeMs: limit(500, 'A Redis that was away is asked whether it is back.'),
  redisSeatMs: limit(
    60_000,
    'Places in Redis of a node that died are free again; living ones are renewed at a third of it.',
  ),
  redisSeatsPerRenewal: limit(500, 'Places that are renewed by one call: some 2 ms of Redis.'),
  shutdownNoticeMs: limit(
    1_000,
    'After SIGTERM /readyz says 503 for so long before the port closes: a load balancer looks elsewhere.',
  ),
  shutdownDrainMs: limit(30_000, 'Streams may end after SIGTERM; then they are cut in good form.'),
  configFileBytesMax: limit(16 * MiB, 'A declarative file: some 100,000 channels.'),
  configAliasesMax: limit(1_000, 'Aliases that a declarative file may expand to: a YAML bomb ends here.'),
} as const

export type Limits = {
  readonly [Name in
    | keyof typeof fixed
    | 'bodyBytesMax'
    | 'bodiesInFlightBytesMax'
    | 'accountBytesInFlightMax']: number
}

/** What must hold between limits, whatever their values. */
const relations: readonly (readonly [says: string, holds: (values: Limits) => boolean])[] = [
  ['a node may miss several heartbeats', of => of.heartbeatMs * 10 <= of.nodeLifeMs],
  ['a leader may miss a heartbeat', of => of.heartbeatMs * 2 <= of.leaderLifeMs],
  ['a body fits into the budget of all bodies', of => of.bodyBytesMax <= of.bodiesInFlightBytesMax],
  ['a worker may miss a sign of life', of => of.workerPingMs * 2 <= of.workerStuckMs],
  ['a worker that is stuck may come back', of => of.workerStuckMs * 10 <= of.workerSilentMsMax],
  ['workers drain before they are killed', of => of.shutdownDrainMs * 2 < of.workerStopMsMax],
  ['a body fits into the share of one account', of => of.bodyBytesMax <= of.accountBytesInFlightMax],
  ['one account does not get more than all', of => of.accountBytesInFlightMax <= of.bodiesInFlightBytesMax],
  ['one address does not get all connections', of => of.connectionsPerAddressMax < of.connectionsMax],
  ['segments fit into the journal', of => of.journalSegmentBytes * 2 <= of.journalBytesMax],
  ['what is kept fits into the journal', of => of.journalKeepBytesMax <= of.journalBytesMax],
  ['an ended request shows within a second', of => of.commitIntervalMs <= 250],
  ['an event fits into an answer', of => of.sseEventBytesMax <= of.upstreamAnswerBytesMax],
  ['a tail fits into an event', of => of.tailBytesMax <= of.sseEventBytesMax],
  ['a refusal fits into an answer', of => of.errorBodyBytesMax <= of.upstreamAnswerBytesMax],
  ['a load balancer closes idle connections before we do', of => of.keepAliveMs > 60_000],
  ['we close idle upstream connections before they do', of => of.upstreamKeepAliveMs < 60_000],
]

export interface LimitsParts {
  /** `Environment.bodyBytesMax`. */
  readonly bodyBytesMax: number
  /** Processes that share the memory. */
  readonly workers?: number
  /** What the process may use; asked of the system when not given. */
  readonly memoryBytes?: number
}

const bodyBytesDefault = 128 * MiB
const bodiesInFlightCap = 512 * MiB

/**
 * Limits of this process before the environment has its say. Importing reads the memory size and nothing
 * else.
 */
export const limits: Limits = resolveLimits({ bodyBytesMax: bodyBytesDefault })

/** Limits for a body size and a memory size. Throws when two of them contradict each other. */
export function resolveLimits({
  bodyBytesMax,
  workers = 1,
  memoryBytes = availableMemory(),
}: LimitsParts): Limits {
  const bodiesInFlightBytesMax = Math.min(Math.floor(memoryBytes / 4 / workers), bodiesInFlightCap)
  const ofOneBody = Math.min(bodyBytesMax, bodiesInFlightBytesMax)
  const values: Limits = {
    ...(Object.fromEntries(Object.entries(fixed).map(([name, { value }]) => [name, value])) as FixedLimits),
    bodyBytesMax: ofOneBody,
    bodiesInFlightBytesMax,
    accountBytesInFlightMax: Math.max(Math.floor(bodiesInFlightBytesMax / 2), ofOneBody),
  }
  for (const [says, holds] of relations) {
    if (!holds(values)) throw new Error(`the limits contradict each other: ${says}`)
  }
  return values
}

type FixedLimits = { readonly [Name in keyof typeof fixed]: number }

/** What this process may use: its container's limit where there is one, else the machine's memory. */
function availableMemory(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem()
}

export interface LimitLine {
  readonly name: string
  readonly value: number
  readonly about: string
}

/**
 * Each limit with its value and the sentence that gives its reason, for `doctor --limits` and the documents.
 */
export function describeLimits(values: Limits = limits): readonly LimitLine[] {
  const about: Record<keyof Limits, string> = {
    bodyBytesMax:
      'A request body after decompression (MAX_REQUEST_BODY_MB), never more than all bodies together.',
    bodiesInFlightBytesMax:
      'All bodies and held tails in memory: a quarter of the memory, shared by all workers, at most 512 MiB each; then 503.',
    accountBytesInFlightMax:
      'The same of one account: half of it, and at least one body; then 503 for this account alone.',
    ...(Object.fromEntries(Object.entries(fixed).map(([name, line]) => [name, line.about])) as Record<
      keyof FixedLimits,
      string
    >),
  }
  return Object.entries(about).map(([name, says]) => ({
    name,
    value: values[name as keyof Limits],
    about: says,
  }))
}

function limit(value: number, about: string): { readonly value: number; readonly about: string } {
  return { value, about }
}
