import type { Socket } from 'node:net'
import { errorFields, type Log } from '#telemetry'
import { backOffMs } from './share.ts'
import { startWorkerProcess, type WorkerExit, type WorkerProcess } from './worker-process.ts'

export interface CrewParts {
  readonly count: number
  readonly limits: {
    readonly workerReadyMsMax: number
    readonly workerEarlyEndMs: number
    readonly workerEarlyEndsMax: number
    readonly workerPingMs: number
    readonly workerStuckMs: number
    readonly workerSilentMsMax: number
  }
  readonly log: Log
  readonly clock: () => number
  readonly onAskSum: () => Promise<string>
  readonly onExited: (member: Member) => void
  /** Connections that were meant for a worker which will not get them. */
  readonly onLeft: (sockets: readonly Socket[]) => void
  /** A worker serves, or one that hung does so again. */
  readonly onServing: () => void
  /** A worker cannot be kept alive. */
  readonly onGivenUp: () => void
}

/** A worker in its place. */
export interface Member {
  readonly process: WorkerProcess
  readonly number: number
  readonly load: number
  readonly startedAt: number
  /** When it was given a connection last, as a rising number. */
  givenAt: number
  state: 'starting' | 'serving' | 'leaving'
  /** It gives no sign of life, or cannot receive connections: nothing new goes to it. */
  isStuck: boolean
}

/** The workers of one parent: `count` places, each with a worker that is started again when it dies. */
export interface Crew {
  readonly members: ReadonlySet<Member>
  /** How often a worker that had died was started again. */
  readonly restarts: number
  /**
   * The first alone, so that what one does for all (migrations, the secret) is done; then the others. Answers when all
   * serve; `false`: one ended before it could serve for the first time.
   */
  start(): Promise<boolean>
  /**
   * One after another: the new one serves before the old one leaves, and the old one has as long as it takes. Ends early
   * when a new one cannot serve.
   */
  replaceAll(): Promise<void>
  /** Nobody is started any more; all are told to stop. Answers whether each ended with 0. */
  stop(): Promise<boolean>
  kill(): void
}

export function createCrew(parts: CrewParts): Crew {
  const { count, limits, log, clock } = parts
  const members = new Set<Member>()
  const places = Array.from({ length: count }, (_, index) => index + 1)
  const placesOnceServed = new Set<number>()
  const allServe = Promise.withResolvers<void>()
  const earlyEnds = new Map<number, number>()
  let watchTimer: NodeJS.Timeout | undefined
  let isStopping = false
  let isStarted = false
  let restarts = 0

  const onBug = (error: unknown) => log.error(errorFields(error), 'a worker could not be watched over')

  function launch(number: number): Member {
    const worker = startWorkerProcess({
      number,
      onAskSum: parts.onAskSum,
      onLost: sockets => onLost(member, sockets),
    })
    const member: Member = {
      process: worker,
      number,
      startedAt: clock(),
      givenAt: 0,
      state: 'starting',
      isStuck: false,
      get load() {
        return worker.load
      },
    }
    members.add(member)
    worker.exited.then(exit => onExit(member, exit)).catch(onBug)
    return member
  }

  /** Whether it came to serve. One that is neither ready nor ended in time is killed. */
  async function startOne(number: number): Promise<Member | undefined> {
    const member = launch(number)
    const { process: worker } = member
    const timer = setTimeout(() => worker.kill(), limits.workerReadyMsMax)
    const isReady = await Promise.race([worker.ready.then(() => true), worker.exited.then(() => false)])
    clearTimeout(timer)
    if (!isReady) return undefined
    if (member.state === 'starting') onServing(member)
    return member
  }

  function onServing(member: Member): void {
    member.state = 'serving'
    placesOnceServed.add(member.number)
    parts.onServing()
    const isServed = (number: number) =>
      [...members].some(other => other.number === number && other.state === 'serving')
    if (places.every(isServed)) allServe.resolve()
  }

  /** Counted in rounds, not by the clock: a parent that was itself stopped for a while has missed no answer. */
  function checkLives(): void {
    for (const member of members) {
      if (member.state === 'starting') continue
      const { number, process: worker } = member
      const silentMs = worker.checkLife() * limits.workerPingMs
      setStuck(member, silentMs >= limits.workerStuckMs)
      if (silentMs < limits.workerSilentMsMax) continue
      log.error({ worker: number, pid: worker.pid, silentMs }, 'a worker gives no sign of life: it is killed')
      worker.kill()
    }
  }

  function setStuck(member: Member, isStuck: boolean): void {
    if (member.isStuck === isStuck) return
    const { number, process: worker } = member
    member.isStuck = isStuck
    if (isStuck) {
      log.warn({ worker: number, pid: worker.pid }, 'a worker does not answer: it gets no connections')
      parts.onLeft(worker.takeWaiting())
    } else {
      log.info({ worker: number, pid: worker.pid }, 'a worker answers again')
      parts.onServing()
    }
  }

  /** It may have no descriptor left: others get what comes until it is asked again. */
  function onLost(member: Member, sockets: readonly Socket[]): void {
    log.warn({ worker: member.number, pid: member.process.pid }, 'a worker could not receive a connection')
    member.isStuck = true
    parts.onLeft(sockets)
  }

  function onExit(member: Member, exit: WorkerExit): void {
    const { state, number } = member
    members.delete(member)
    parts.onExited(member)
    parts.onLeft(exit.left)
    const { code, signal } = exit
    if (state === 'leaving') {
      if (code !== 0) log.error({ worker: number, code, signal }, 'a worker did not end in good order')
      return
    }
    log.error({ worker: number, pid: member.process.pid, code, signal }, 'a worker died')
    if (placesOnceServed.has(number) && !isStopping && !isHeld(number)) restart(member)
  }

  /** In a rolling restart the place of a worker that could not start is still held by the one before. */
  const isHeld = (number: number) =>
    [...members].some(member => member.number === number && member.state !== 'leaving')

  function restart({ number, startedAt, state }: Member): void {
    // Before it served, any end is early, however long the start took.
    const isEarly = state === 'starting' || clock() - startedAt < limits.workerEarlyEndMs
    const ends = isEarly ? (earlyEnds.get(number) ?? 0) + 1 : 0
    earlyEnds.set(number, ends)
    if (ends >= limits.workerEarlyEndsMax) {
      log.error({ worker: number, ends }, 'a worker dies at once again and again: the gateway gives up')
      parts.onGivenUp()
      return
    }
    const waitMs = ends === 0 ? 0 : backOffMs(ends)
    setTimeout(() => {
      // A rolling restart may have filled the place meanwhile.
      if (isStopping || isHeld(number)) return
      restarts++
      startOne(number)
        .then(started => {
          if (started !== undefined)
            log.info({ worker: number, pid: started.process.pid }, 'a worker is back')
        })
        .catch(onBug)
    }, waitMs)
  }

  async function replaceAll(): Promise<void> {
    for (const number of places) {
      if (!isStarted || isStopping) return
      const before = [...members].filter(member => member.number === number && member.state !== 'leaving')
      const next = await startOne(number)
      if (next === undefined) {
        log.error({ worker: number }, 'the rolling restart ends here: the new worker could not start')
        return
      }
      if (isStopping) return
      await Promise.all(before.map(leave))
      log.info({ worker: number, pid: next.process.pid }, 'a worker was replaced')
    }
  }

  async function leave(member: Member): Promise<void> {
    member.state = 'leaving'
    parts.onLeft(member.process.retire())
    // It bounds its own retirement by what a request may take; one that hangs is killed by the watch over all.
    await member.process.exited
  }

  return {
    members,
    get restarts() {
      return restarts
    },
    async start() {
      watchTimer = setInterval(checkLives, limits.workerPingMs)
      if ((await startOne(1)) === undefined) return false
      const others = places.slice(1).map(startOne)
      const started = await Promise.all(others) // as many as there are workers: at most workersMax
      if (started.includes(undefined)) return false
      await allServe.promise // one that died meanwhile is on its way back
      isStarted = true
      return true
    },
    replaceAll,
    async stop() {
      isStopping = true
      clearInterval(watchTimer)
      const last = [...members]
      for (const member of last) {
        member.state = 'leaving'
        member.process.stop()
      }
      const exits = await Promise.all(last.map(member => member.process.exited))
      return exits.every(({ code }) => code === 0)
    },
    kill() {
      for (const member of members) member.process.kill()
    },
  }
}
