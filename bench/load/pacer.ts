import { monotonicUs } from '../clock.ts'
import type { Connection } from './connection.ts'
import type { LoadJob } from './job.ts'

const backlogMax = 100_000
const pauseAfterErrorMs = 50

export interface PacerEvents {
  /** No more requests will be sent. */
  readonly onLastSent: () => void
  /** And all that were sent have ended. */
  readonly onIdle: () => void
}

export interface Pacer {
  start(connections: readonly Connection[]): void
  /** The connection's request has ended. */
  free(connection: Connection, afterError: boolean): void
  stop(): void
  underWay(): number
}

/**
 * Decides when which connection sends. A due request without a free connection waits, and its wait counts as
 * latency.
 */
export function createPacer({ pace, until }: LoadJob, events: PacerEvents): Pacer {
  const countMax = until.kind === 'count' ? until.requests : Number.POSITIVE_INFINITY
  const free: Connection[] = []
  const backlog: number[] = []
  let [sent, underWay, endUs] = [0, 0, 0]
  let isOver = false
  let ticker: NodeJS.Timeout | undefined

  const finishSending = () => {
    if (isOver) return
    isOver = true
    clearInterval(ticker)
    events.onLastSent()
    if (underWay === 0) events.onIdle()
  }
  const isExhausted = () => sent >= countMax || monotonicUs() >= endUs
  const send = (connection: Connection, dueUs: number) => {
    sent++
    underWay++
    connection.send(dueUs)
  }
  const sendNext = (connection: Connection) => {
    if (isOver) return
    if (isExhausted()) return finishSending()
    if (pace.kind === 'closed') return send(connection, monotonicUs())
    const dueUs = backlog.shift()
    if (dueUs === undefined) free.push(connection)
    else send(connection, dueUs)
  }
  const takeDue = (dueUs: number) => {
    const connection = free.pop()
    if (connection !== undefined) send(connection, dueUs)
    else if (backlog.length < backlogMax) backlog.push(dueUs)
  }

  return {
    start(connections) {
      endUs = until.kind === 'time' ? monotonicUs() + until.ms * 1000 : Number.POSITIVE_INFINITY
      if (pace.kind === 'closed') {
        for (const connection of connections) sendNext(connection)
        return
      }
      free.push(...connections)
      ticker = startTicker(pace.perSecond, countMax, dueUs => {
        if (isExhausted()) finishSending()
        else if (dueUs !== undefined) takeDue(dueUs)
      })
    },
    free(connection, afterError) {
      underWay--
      if (isOver && underWay === 0) return events.onIdle()
      if (afterError) setTimeout(() => sendNext(connection), pauseAfterErrorMs)
      else sendNext(connection)
    },
    stop() {
      isOver = true
      clearInterval(ticker)
    },
    underWay: () => underWay,
  }
}

/** Calls `onTick` once per due request, and with `undefined` at the end of each millisecond. */
function startTicker(perSecond: number, countMax: number, onTick: (dueUs: number | undefined) => void) {
  const startUs = monotonicUs()
  let due = 0
  return setInterval(() => {
    const nowUs = monotonicUs()
    const wanted = Math.min(countMax, Math.floor(((nowUs - startUs) * perSecond) / 1_000_000))
    for (; due < wanted; due++) onTick(nowUs)
    onTick(undefined)
  }, 1)
}
