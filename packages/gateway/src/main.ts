import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { monotonicFactory } from 'ulid'
import { createCatalog, createSealer, loadSealingSecret } from '#catalog'
import { startLeader, startNode } from '#cluster'
import { type Environment, resolveLimits } from '#config'
import { sendText, startHttpServer } from '#http'
import { createKeyring } from '#identity'
import { connectRedis, createLimiter, type SharedBuckets } from '#limiting'
import {
  createConnections,
  createProxyCheck,
  createRelay,
  createTokenCounter,
  isRelayPath,
  longestRequestMs,
} from '#relay'
import { createRouting } from '#routing'
import { openStoreAt, type Store, watchRevisions } from '#store'
import { createLog, createLoopDelay, createMetrics, createObserver, errorFields, type Log } from '#telemetry'
import type { WorkerLink } from '#workers'
import { createRandom } from './chance.ts'
import { createCrashPoint } from './crash-point.ts'
import { startJobs } from './jobs.ts'
import { shareHealth } from './share-health.ts'
import { startJournal } from './start-journal.ts'
import { endInTime, waitForParent, waitForSignal } from './until-stopped.ts'

/**
 * `bin/yumen` sizes the young generation of the main thread by a flag that outweighs what a thread is given when it is
 * started: threads that start from here on have 2 MB. The store's writer held 16 MB more with the main thread's 8.
 */
const youngGenerationOfThreads = '--max-semi-space-size=2'

/**
 * Runs a gateway until it is told to stop. Builds every part in reading order, each with what it needs; closes in reverse.
 * `link`: this process is one of several workers, and its parent has the port.
 */
export async function serve(environment: Environment, link?: WorkerLink): Promise<void> {
  setFlagsFromString(youngGenerationOfThreads)
  const log = createLog(environment.logLevel, link?.number)
  const stopped = link === undefined ? waitForSignal(log) : waitForParent(link, log)
  const gateway = await Promise.race([startGateway(environment, log, link), stopped])
  if (gateway === undefined) return leaveUnready(log)
  log.flush()
  link?.tellReady()
  await (link === undefined ? stopped : Promise.race([stopped, untilRetired(gateway, link, log)]))
  const isCommitted = await gateway.stop()
  await link?.tellLastMetrics(await gateway.metrics())
  log.flush()
  // All is closed; a handle that somebody forgot must not keep the process.
  process.exit(isCommitted ? 0 : 1)
}

/** Told to stop while it starts, maybe waiting for a database that does not answer. What it has begun is as after a kill. */
function leaveUnready(log: ReturnType<typeof createLog>): never {
  log.info({}, 'stopped before it was ready')
  log.flush()
  process.exit(0)
}

/** Another worker takes this one's place: what is open here goes on to its end. */
async function untilRetired(gateway: Gateway, link: WorkerLink, log: Log): Promise<void> {
  await link.retired
  await gateway.retire()
  endInTime(log)
}

interface Gateway {
  readonly port: number
  metrics(): Promise<string>
  /** Another takes its place: resolves when what was open is over, or its time is. */
  retire(): Promise<void>
  /** Ends in good order; `false` when the journal could not be committed. */
  stop(): Promise<boolean>
}

async function startGateway(
  environment: Environment,
  log: Log,
  link: WorkerLink | undefined,
): Promise<Gateway> {
  const startedAt = performance.now()
  const now = Date.now
  const clock = () => performance.now()
  const limits = resolveLimits({ ...environment, ...(link === undefined && { workers: 1 }) })
  const makeId = monotonicFactory(createRandom())
  const crashPoint = createCrashPoint(environment.crashAt)
  const warn = (message: string) => (error: unknown) => log.warn(errorFields(error), message)

  const sealer = createSealer(loadSealingSecret(environment))
  const store: Store = await openStoreAt(environment.store, { migrate: true })
  const installation = await store.run('openInstallation', { id: makeId(), now: now() })
  const node = await startNode({
    id: makeId(),
    epoch: installation.epoch,
    store,
    limits,
    now,
    onFailure: warn('heartbeat failed'),
  })
  const revisions = await watchRevisions({
    store,
    pollMs: limits.snapshotPollMs,
    onFailure: warn('the store could not be asked for changes'),
  })
  const { optionDefaults } = environment
  const walPath = environment.store.kind === 'sqlite' ? `${environment.store.path}-wal` : undefined
  const catalog = await createCatalog({
    store,
    sealer,
    optionDefaults,
    clock: now,
    revisions,
    onBroken: warn('a part of the configuration is left out'),
    onFailure: warn('configuration could not be read'),
  })
  const snapshot = () => catalog.snapshot
  const {
    journal,
    committer,
    adopt,
    end: endJournal,
  } = await startJournal({
    environment,
    installation,
    node,
    store,
    limits,
    log,
    clock,
    crashPoint,
    syncMode: () => snapshot().options['journal.sync'],
  })
  const keyring = createKeyring({ store, revisions, limits })
  const shared = await connectShared()
  const limiter = createLimiter({
    options: () => snapshot().options,
    limits,
    clock,
    now,
    nodes: node.liveNodes,
    nodeId: node.id,
    shared,
  })
  const connections = createConnections({
    limits,
    onRefusedAddress: ({ host, message }) => log.warn({ host, error: message }, 'an upstream is refused'),
  })
  const counter = createTokenCounter({ limits, onFailure: warn('the tokenizer failed') })
  const routing = createRouting({
    snapshot,
    random: Math.random,
    clock,
    onReport: report => sharing.report(report),
    limits,
  })
  const sharing = shareHealth({
    store,
    revisions,
    routing,
    node: node.id,
    limits,
    now,
    onFailure: warn('what is known of channels could not be shared'),
  })
  const relay = createRelay({
    keyring,
    snapshot,
    routing,
    limiter,
    journal,
    connections,
    counter,
    limits,
    clock,
    now,
    makeId,
    loopDelayMs: createLoopDelay(),
    observer: createObserver({ log, metrics: () => metrics }),
  })
  const metrics = createMetrics({
    openStreams: () => relay.openStreams,
    bytesInFlight: () => relay.bytesInFlight,
    journalBytes: () => journal.bytes,
    uncommitted: () => journal.uncommitted.length,
    unpostedSeconds: () => committer.unpostedMs(clock()) / 1_000,
    liveNodes: node.liveNodes,
    rateBuckets: () => limiter.size,
    redisUp: () => shared && Number(shared.isAvailable),
    walBytes: () => fileSize(walPath),
  })
  const leader = startLeader({
    nodeId: node.id,
    store,
    limits,
    now,
    clock,
    onFailure: warn('the store could not be asked who leads'),
  })
  const jobs = startJobs({
    store,
    leader,
    adopt,
    limits,
    now,
    retentionDays: () => snapshot().options['analytics.requestRetentionDays'],
    testEveryMs() {
      const { options } = snapshot()
      return options['monitor.autoTestChannelEnabled']
        ? options['monitor.autoTestChannelMinutes'] * 60_000
        : undefined
    },
    channels: () => snapshot().channels.values(),
    testChannel: channel => relay.test(channel),
    log,
  })

  const ownMetrics = () => metrics.registry.metrics()
  link?.tellMetrics(ownMetrics)
  const shownMetrics = link === undefined ? ownMetrics : () => link.askSum()
  let isStopping = false
  const isReady = () => !isStopping && journal.isAccepting
  const http = await startHttpServer({
    port: environment.port,
    host: environment.host,
    limits,
    takeConnections: link?.takeConnections,
    connectionsPerAddressMax: () => snapshot().options['server.connectionsPerAddressMax'],
    isTrustedProxy: createProxyCheck(() => snapshot().options['server.trustedProxies']),
    onShed: limit => metrics.shed.inc({ limit }),
    isRelayPath,
    relay: (request, response) => relay.handle(request, response),
    pages: {
      '/livez': response => sendText(response, 200, 'ok\n'),
      '/readyz': response => sendText(response, isReady() ? 200 : 503, isReady() ? 'ready\n' : 'not ready\n'),
      '/metrics': response => {
        shownMetrics().then(
          text => sendText(response, 200, text, metrics.registry.contentType),
          (error: unknown) => {
            warn('metrics failed')(error)
            sendText(response, 500, 'the metrics could not be read\n')
          },
        )
      },
    },
  })
  log.info(
    {
      port: http.port,
      host: environment.host,
      store: store.kind,
      ms: Math.round(performance.now() - startedAt),
    },
    link === undefined ? 'ready' : 'worker is ready',
  )

  return {
    port: http.port,
    metrics: ownMetrics,
    retire: () => {
      const idleMs = limits.workerRetireIdleMs
      const ms = idleMs + longestRequestMs(limits, snapshot().channels.values())
      log.info({ ms }, 'retiring')
      return http.retire({ ms, idleMs })
    },
    async stop() {
      isStopping = true
      await sleep(limits.shutdownNoticeMs)
      log.info({}, 'draining')
      http.stopAccepting()
      await relay.drain(limits.shutdownDrainMs)
      await http.close()
      relay.close()
      await jobs.stop()
      await leader.stop()
      revisions.stop()
      sharing.stop()
      await counter.close()
      await connections.close()
      await limiter.close()
      node.stop()
      const isCommitted = await endJournal()
      await store.close()
      log.info({ isCommitted }, 'stopped')
      return isCommitted
    },
  }

  async function connectShared(): Promise<SharedBuckets | undefined> {
    if (environment.redisUrl === undefined) return undefined
    return connectRedis({
      url: environment.redisUrl,
      installation: installation.id,
      limits,
      onAway: warn('Redis is away: this node keeps its part of the rate limits by itself'),
      onBack: () => log.info({}, 'Redis is back: the nodes share their rate limits again'),
    })
  }
}

function fileSize(path: string | undefined): number {
  return (path !== undefined && statSync(path, { throwIfNoEntry: false })?.size) || 0
}
