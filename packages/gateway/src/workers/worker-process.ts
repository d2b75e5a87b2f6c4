import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
import { createHandOver } from './hand-over.ts'
import type { ToParent, ToWorker } from './messages.ts'

/** One worker as its parent sees it. */
export interface WorkerProcess {
  readonly number: number
  readonly pid: number | undefined
  /** Settles when it can serve; never when it ends before. */
  readonly ready: Promise<void>
  readonly exited: Promise<WorkerExit>
  /** Client connections that it has or will have as soon as they have reached it. */
  readonly load: number
  /** What it told of itself last. */
  readonly lastMetrics: string
  give(socket: Socket): void
  /** Connections that wait for it, and that it will not get. */
  takeWaiting(): readonly Socket[]
  /** Takes nothing new and ends when what it has is over. Answers the connections that it will not get. */
  retire(): readonly Socket[]
  /** Asks for a sign of life, unless it still owes one; answers how often it owed one when it was called, in a row. */
  checkLife(): number
  /** As SIGTERM to a single process. */
  stop(): void
  kill(): void
  /** Its metrics as of now; those that it told last when it does not answer in time. */
  askMetrics(timeoutMs: number): Promise<{ readonly text: string; readonly isAnswer: boolean }>
}

export interface WorkerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Connections that had not reached it: it read nothing of them. */
  readonly left: readonly Socket[]
}

export interface WorkerProcessParts {
  readonly number: number
  /** It asks for the metrics of all. */
  readonly onAskSum: () => Promise<string>
  /** Connections that it will not get: the first did not get through to it, although it lives. */
  readonly onLost: (sockets: readonly Socket[]) => void
}

/** Starts this very program again, with the same flags and words, as a worker. Nothing is passed but its number. */
export function startWorkerProcess({ number, onAskSum, onLost }: WorkerProcessParts): WorkerProcess {
  const [, program = '', ...words] = process.argv
  const child = fork(program, [...words, '--worker', String(number)], { execArgv: process.execArgv })
  const ready = Promise.withResolvers<void>()
  const asks = new Map<number, (text: string) => void>()
  let owed: { readonly onItsWay: Socket | undefined; rounds: number } | undefined
  let open = 0
  let lastAsk = 0
  let lastMetrics = ''

  // What fails to be sent is told by the exit, or by the next sign of life.
  const tell = (message: ToWorker, socket?: Socket) => {
    if (child.connected) child.send(message, socket, { keepOpen: true }, () => undefined)
  }
  const handOver = createHandOver({
    canSend: () => child.connected, // else what waits goes to another worker
    send: socket => tell({ kind: 'connection' }, socket),
  })

  /** Messages keep their order: a connection that was sent before the question and is not taken by now never came. */
  function onSignOfLife(): void {
    const lost = owed?.onItsWay
    owed = undefined
    if (lost !== undefined && lost === handOver.onItsWay) onLost(handOver.takeAll())
  }

  function onMessage(message: ToParent): void {
    switch (message.kind) {
      case 'ready':
        ready.resolve()
        break
      case 'connections':
        open = message.open
        if (message.isTaken) handOver.onTaken()
        break
      case 'pong':
        onSignOfLife()
        break
      case 'metrics':
        lastMetrics = message.text
        asks.get(message.ask)?.(message.text)
        break
      case 'last-metrics':
        lastMetrics = message.text
        break
      case 'ask-sum':
        onAskSum().then(
          text => tell({ kind: 'metrics-sum', ask: message.ask, text }),
          () => tell({ kind: 'metrics-sum', ask: message.ask, text: undefined }),
        )
    }
  }

  child.on('message', onMessage)
  child.on('error', () => undefined) // it could not be started or told: `exit` follows, or it lives on
  return {
    number,
    pid: child.pid,
    ready: ready.promise,
    exited: untilExit(child).then(exit => ({ ...exit, left: handOver.takeAll() })),
    get load() {
      return open + handOver.size
    },
    get lastMetrics() {
      return lastMetrics
    },
    give: handOver.give,
    takeWaiting: handOver.takeWaiting,
    retire() {
      tell({ kind: 'retire' })
      return handOver.takeWaiting()
    },
    checkLife() {
      if (owed === undefined) {
        owed = { onItsWay: handOver.onItsWay, rounds: 0 }
        tell({ kind: 'ping' })
      } else owed.rounds++
      return owed.rounds
    },
    stop: () => tell({ kind: 'stop' }),
    kill: () => child.kill('SIGKILL'),
    askMetrics: timeoutMs =>
      new Promise(resolve => {
        const ask = ++lastAsk
        const end = (text: string, isAnswer: boolean) => {
          clearTimeout(timer)
          asks.delete(ask)
          resolve({ text, isAnswer })
        }
        const timer = setTimeout(() => end(lastMetrics, false), timeoutMs)
        asks.set(ask, text => end(text, true))
        tell({ kind: 'tell-metrics', ask })
      }),
  }
}

/** Its last messages are read before its end is told: `close` comes when the channel is closed, too. */
function untilExit(child: ChildProcess): Promise<Omit<WorkerExit, 'left'>> {
  return new Promise(resolve => {
    child.once('close', (code, signal) => resolve({ code, signal }))
    // It could not be started at all.
    child.once('error', () => {
      if (child.pid === undefined) resolve({ code: 1, signal: null })
    })
  })
}
