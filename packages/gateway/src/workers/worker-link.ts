import type { Socket } from 'node:net'
import type { ToParent, ToWorker } from './messages.ts'

/** A worker's side of the channel to its parent. */
export interface WorkerLink {
  /** Which of the workers this process is, from 1 on. */
  readonly number: number
  /** Another worker takes this one's place: what is open here may end. */
  readonly retired: Promise<void>
  /** To be ended: the parent says so, or is gone. */
  readonly stopped: Promise<void>
  /** Connections that the parent accepted come here from now on. */
  takeConnections(take: (socket: Socket) => void): void
  tellReady(): void
  /** Answers the parent's questions from now on. */
  tellMetrics(read: () => Promise<string>): void
  /** The sum over all workers of this machine. Fails when the parent does not answer in time. */
  askSum(): Promise<string>
  /** The last message before the end. Never fails. */
  tellLastMetrics(text: string): Promise<void>
  /** Closes the channel, which would keep a worker alive that could not start. */
  close(): void
}

export interface WorkerLinkParts {
  readonly number: number
  readonly limits: { readonly metricsTimeoutMs: number }
}

/** Connections that end are told this often at most. */
const tellConnectionsMs = 20
const sumsPendingMax = 64

export function connectToParent({ number, limits }: WorkerLinkParts): WorkerLink {
  if (process.send === undefined)
    throw new Error('a worker is started by its parent: yumen serve --workers N')
  const retired = Promise.withResolvers<void>()
  const stopped = Promise.withResolvers<void>()
  const sums = new Map<number, PromiseWithResolvers<string>>()
  let readMetrics: (() => Promise<string>) | undefined
  let take: ((socket: Socket) => void) | undefined
  let open = 0
  let lastAsk = 0
  let tellTimer: NodeJS.Timeout | undefined

  // A parent that is gone takes no message; its end is told by `disconnect`.
  const tell = (message: ToParent) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
  }

  function onSocket(socket: Socket | undefined): void {
    if (socket === undefined || take === undefined) {
      socket?.destroy()
      tell({ kind: 'connections', open, isTaken: true })
      return
    }
    open++
    socket.once('close', onSocketClosed)
    // First told, then read: if this process dies, the parent gives to another what it was not told of.
    tell({ kind: 'connections', open, isTaken: true })
    take(socket)
  }

  function onSocketClosed(): void {
    open--
    tellTimer ??= setTimeout(() => {
      tellTimer = undefined
      tell({ kind: 'connections', open, isTaken: false })
    }, tellConnectionsMs)
    tellTimer.unref()
  }

  function onMessage(message: ToWorker, socket: unknown): void {
    switch (message.kind) {
      case 'connection':
        onSocket(socket as Socket | undefined) // decoding: what Node passes beside this message
        break
      case 'retire':
        retired.resolve()
        break
      case 'stop':
        stopped.resolve()
        break
      case 'ping':
        tell({ kind: 'pong' })
        break
      case 'tell-metrics':
        readMetrics?.().then(
          text => tell({ kind: 'metrics', ask: message.ask, text }),
          () => undefined, // the parent takes the metrics that it has
        )
        break
      case 'metrics-sum': {
        const { ask, text } = message
        if (text === undefined) sums.get(ask)?.reject(new Error('the metrics could not be summed'))
        else sums.get(ask)?.resolve(text)
      }
    }
  }

  process.on('message', onMessage)
  process.once('disconnect', () => stopped.resolve())
  // A parent that died while this process was starting: its end was told before anybody listened.
  if (!process.connected) stopped.resolve()

  return {
    number,
    retired: retired.promise,
    stopped: stopped.promise,
    takeConnections(taker) {
      take = taker
    },
    tellReady: () => tell({ kind: 'ready' }),
    tellMetrics(read) {
      readMetrics = read
    },
    async askSum() {
      if (sums.size >= sumsPendingMax) throw new Error(`${sums.size} requests wait for the metrics already`)
      const ask = ++lastAsk
      const sum = Promise.withResolvers<string>()
      sums.set(ask, sum)
      const timer = setTimeout(
        () => sum.reject(new Error('the parent did not sum the metrics in time')),
        limits.metricsTimeoutMs * 2,
      )
      tell({ kind: 'ask-sum', ask })
      try {
        return await sum.promise
      } finally {
        clearTimeout(timer)
        sums.delete(ask)
      }
    },
    tellLastMetrics: text =>
      new Promise(resolve => {
        if (!process.connected) return resolve()
        const message: ToParent = { kind: 'last-metrics', text }
        process.send?.(message, undefined, undefined, () => resolve())
      }),
    close() {
      if (process.connected) process.disconnect?.()
    },
  }
}
