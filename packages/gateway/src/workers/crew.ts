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
    readonly workerStopMsMax: number
  }
  readonly log: Log
  readonly clock: () => number
  readonly onAskSum: () => Promise<string>
  readonly onExited: (member: Member) => void
  /** Connections that were meant for a worker which will not get them. */
  readonly onLeft: (sockets: readonly Socket[]) => void
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
}

/** The workers of one parent: `count` places, each with a worker that is started again when it dies. */
export interface Crew {
  readonly members: ReadonlySet<Member>
  /** How often a worker that had died was started again. */
  readonly restarts: number
  /** The first alone, so that what one does for all (migrations, the secret) is done; then the others. `false`: one ended before it could serve. */
  start(): Promise<boolean>
  /** One after another: the new one serves before the old one leaves. Ends early when a new one cannot serve. */
  replaceAll(): Promise<void>
  /** Nobody is started any more; all are told to stop. Answers whether each ended with 0. */
  stop(): Promise<boolean>
  kill(): void
}

export function createCrew(parts: CrewParts): Crew {
  const { count, limits, log, clock } = parts
  const members = new Set<Member>()
  const earlyEnds = new Map<number, number>()
  let isStopping = false
  let isStarted = false
  let restarts = 0

  const onBug = (error: unknown) => log.error(errorFields(error), 'a worker could not be watched over')

  function launch(number: number): Member {
    const worker = startWorkerProcess({ number, onAskSum: parts.onAskSum })
    const member: Member = {
      process: worker,
      number,
      startedAt: clock(),
      givenAt: 0,
      state: 'starting',
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
    if (member.state === 'starting') member.state = 'serving'
    return member
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
    if (isStarted && !isStopping && !isHeld(number)) restart(member)
  }

  /** In a rolling restart the place of a worker that could not start is still held by the one before. */
  const isHeld = (number: number) =>
    [...members].some(member => member.number === number && member.state !== 'leaving')

  function restart({ number, startedAt }: Member): void {
    const isEarly = clock() - startedAt < limits.workerEarlyEndMs
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
    for (let number = 1; number <= count && isStarted && !isStopping; number++) {
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
    const timer = setTimeout(() => member.process.kill(), limits.workerStopMsMax)
    await member.process.exited
    clearTimeout(timer)
  }

  return {
    members,
    get restarts() {
      return restarts
    },
    async start() {
      if ((await startOne(1)) === undefined) return false
      const others = Array.from({ length: count - 1 }, (_, index) => startOne(index + 2))
      const started = await Promise.all(others) // as many as there are workers: at most workersMax
      isStarted = true
      return started.every(member => member !== undefined)
    },
    replaceAll,
    async stop() {
      isStopping = true
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
