import type { Socket } from 'node:net'
import type { Log } from '#telemetry'
import type { Member } from './crew.ts'
import { pickWorker } from './share.ts'

export interface IntakeParts {
  readonly members: () => Iterable<Member>
  readonly limits: {
    readonly connectionsMax: number
    readonly workerHoldMsMax: number
    readonly workerHeldMax: number
  }
  readonly log: Log
}

/** Where connections come in. */
export interface Intake {
  /** Goes to the worker with the fewest. Held for a while when none serves, refused with 503 when all are full. */
  take(socket: Socket): void
  /** A worker serves, or serves again: what was held goes to it. */
  onServing(): void
}

export function createIntake({ members, limits, log }: IntakeParts): Intake {
  const held = new Map<Socket, NodeJS.Timeout>()
  const refuse = createRefusal(limits.workerHeldMax, log)
  let given = 0

  function take(socket: Socket): void {
    const serving = [...members()].filter(({ state, isStuck }) => state === 'serving' && !isStuck)
    const picked = pickWorker(serving)
    if (picked === undefined) hold(socket)
    else if (picked.load >= limits.connectionsMax) refuse(socket)
    else {
      picked.givenAt = ++given
      picked.process.give(socket)
    }
  }

  function hold(socket: Socket): void {
    if (held.size >= limits.workerHeldMax) {
      refuse(socket)
      return
    }
    const onTooLate = () => {
      held.delete(socket)
      refuse(socket)
    }
    held.set(socket, setTimeout(onTooLate, limits.workerHoldMsMax))
  }

  return {
    take,
    onServing() {
      const waiting = [...held]
      held.clear()
      for (const [socket, timer] of waiting) {
        clearTimeout(timer)
        take(socket)
      }
    },
  }
}

const refusal =
  'HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'
const refusedCloseMs = 1_000
const tellRefusedMs = 1_000

/** Tells the client, and the log once a second. Beyond `closingMax` at once a connection is closed without a word. */
function createRefusal(closingMax: number, log: Log): (socket: Socket) => void {
  let closing = 0
  let refused = 0

  function count(): void {
    refused++
    if (refused > 1) return // will be told with the first
    setTimeout(() => {
      log.warn({ refused }, 'connections were refused: no worker serves, or all are full')
      refused = 0
    }, tellRefusedMs)
  }

  return socket => {
    count()
    if (closing >= closingMax) {
      socket.destroy()
      return
    }
    closing++
    const timer = setTimeout(() => socket.destroy(), refusedCloseMs)
    socket.once('close', () => {
      clearTimeout(timer)
      closing--
    })
    socket.end(refusal)
    socket.resume() // bytes left unread would reset the connection, and take the answer along
  }
}
