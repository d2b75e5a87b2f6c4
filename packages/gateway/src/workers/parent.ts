import type { Server, Socket } from 'node:net'
import type { Log } from '#telemetry'
import { type Crew, type CrewParts, createCrew } from './crew.ts'
import { createIntake, type IntakeParts } from './intake.ts'
import { createMetricsSum } from './metrics-of-all.ts'

const { createServer } = process.getBuiltinModule('node:net')

export interface RunWorkersParts extends Pick<CrewParts, 'count' | 'log' | 'clock'> {
  readonly port: number
  readonly host: string
  readonly limits: CrewParts['limits'] &
    IntakeParts['limits'] & { readonly metricsTimeoutMs: number; readonly workerStopMsMax: number }
}

/**
 * The parent of `count` workers: accepts the connections and shares them out, starts workers anew, passes signals on.
 * Answers the exit code when all have ended: 0 when each ended in good order.
 */
export async function runWorkers(parts: RunWorkersParts): Promise<0 | 1> {
  const { log, limits, clock } = parts
  const startedAt = clock()
  const ending = Promise.withResolvers<'stopped' | 'given up'>()
  const sum = createMetricsSum({
    timeoutMs: limits.metricsTimeoutMs,
    count: parts.count,
    crew: () => crew,
  })
  const intake = createIntake({ members: () => crew.members, limits, log })
  const crew: Crew = createCrew({
    ...parts,
    onAskSum: sum.ask,
    onExited: sum.keep,
    onLeft(sockets) {
      for (const socket of sockets) intake.take(socket)
    },
    onServing: intake.onServing,
    onGivenUp: () => ending.resolve('given up'),
  })
  watchSignals({ crew, log, onStop: () => ending.resolve('stopped') })
  const isStopped = ending.promise.then(() => 'ended' as const)

  const isStarted = await Promise.race([crew.start(), isStopped])
  if (isStarted !== true) return end(isStarted === 'ended' && (await ending.promise) === 'stopped')
  let server: Server
  try {
    server = await listen(parts, intake.take)
  } catch (error) {
    await end(false)
    throw error
  }
  const address = server.address()
  log.info(
    {
      port: typeof address === 'object' ? address?.port : parts.port,
      host: parts.host,
      workers: parts.count,
      ms: Math.round(clock() - startedAt),
    },
    'ready',
  )
  const reason = await ending.promise
  server.close()
  return end(reason === 'stopped')

  /** What hangs past its bound is killed; the next start settles what it left. */
  async function end(isInOrder: boolean): Promise<0 | 1> {
    const timer = setTimeout(() => {
      log.error({ ms: limits.workerStopMsMax }, 'workers did not end in time: they are killed')
      crew.kill()
    }, limits.workerStopMsMax)
    const areEnded = await crew.stop()
    clearTimeout(timer)
    log.info({ isInOrder: areEnded }, 'all workers stopped')
    return areEnded && isInOrder ? 0 : 1
  }
}

/** The first SIGTERM or SIGINT stops, the second ends all at once; SIGHUP replaces one worker after another. */
function watchSignals({ crew, log, onStop }: { crew: Crew; log: Log; onStop: () => void }): void {
  let isFirst = true
  let rolling: Promise<void> | undefined
  const onSignal = (signal: string) => {
    if (!isFirst) {
      crew.kill()
      process.exit(1)
    }
    isFirst = false
    log.info({ signal }, 'stopping')
    onStop()
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  process.on('SIGHUP', () => {
    if (rolling !== undefined || !isFirst) {
      log.warn({}, 'a rolling restart runs already: this signal changes nothing')
      return
    }
    log.info({}, 'rolling restart')
    rolling = crew.replaceAll().finally(() => {
      rolling = undefined
      log.info({}, 'rolling restart is over')
    })
  })
}

function listen({ port, host }: RunWorkersParts, take: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ pauseOnConnect: true, noDelay: true }, socket => {
      // A client that leaves before a worker has it: its socket is passed over.
      socket.on('error', () => undefined)
      take(socket)
    })
    server.once('error', reject)
    server.listen({ port, host }, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}
