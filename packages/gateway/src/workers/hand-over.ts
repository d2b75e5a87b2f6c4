import type { Socket } from 'node:net'

/** The connections of one worker that have not reached it. */
export interface HandOver {
  readonly size: number
  /** The one that is on its way. */
  readonly onItsWay: Socket | undefined
  give(socket: Socket): void
  /** The worker has the one that was on its way: ours is closed, the connection lives on there. */
  onTaken(): void
  /** Those that wait; the one on its way is the worker's. */
  takeWaiting(): readonly Socket[]
  /** All of them. Only of a worker that surely never saw the one on its way. */
  takeAll(): readonly Socket[]
}

/**
 * One at a time, and ours until the worker says that it has it: what waits in Node's own queue, or is closed once it
 * is sent, would be lost with the worker.
 */
export function createHandOver({
  canSend,
  send,
}: {
  readonly canSend: () => boolean
  readonly send: (socket: Socket) => void
}): HandOver {
  const waiting: Socket[] = []
  let onItsWay: Socket | undefined

  function sendNext(): void {
    while (onItsWay === undefined && canSend()) {
      const next = waiting.shift()
      if (next === undefined) return
      if (next.destroyed) continue
      onItsWay = next
      send(next)
    }
  }

  return {
    get size() {
      return waiting.length + (onItsWay === undefined ? 0 : 1)
    },
    get onItsWay() {
      return onItsWay
    },
    give(socket) {
      waiting.push(socket)
      sendNext()
    },
    onTaken() {
      onItsWay?.destroy()
      onItsWay = undefined
      sendNext()
    },
    takeWaiting: () => waiting.splice(0),
    takeAll() {
      const all = onItsWay === undefined ? waiting.splice(0) : [onItsWay, ...waiting.splice(0)]
      onItsWay = undefined
      return all
    },
  }
}
