import { type ChildProcess, fork } from 'node:child_process'
import type { Socket } from 'node:net'
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
  /** Takes nothing new and ends when what it has is over. Answers the connections that it will not get. */
  retire(): readonly Socket[]
  /** As SIGTERM to a single process. */
  stop(): void
  kill(): void
  /** Its metrics as of now; those that it told last when it does not answer in time. */
  askMetrics(timeoutMs: number): Promise<{ readonly text: string; readonly isAnswer: boolean }>
}

export interface WorkerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Connections that had not reached it. */
  readonly left: readonly Socket[]
}

export interface WorkerProcessParts {
  readonly number: number
  /** It asks for the metrics of all. */
  readonly onAskSum: () => Promise<string>
}

/** Starts this very program again, with the same flags and words, as a worker. Nothing is passed but its number. */
export function startWorkerProcess({ number, onAskSum }: WorkerProcessParts): WorkerProcess {
  const [, program = '', ...words] = process.argv
  const child = fork(program, [...words, '--worker', String(number)], { execArgv: process.execArgv })
  const ready = Promise.withResolvers<void>()
  const queue: Socket[] = []
  const asks = new Map<number, (text: string) => void>()
  let isSending = false
  let open = 0
  let lastAsk = 0
  let lastMetrics = ''

  const tell = (message: ToWorker, socket?: Socket) => {
    if (child.connected) child.send(message, socket, {}, () => undefined)
  }

  /** One at a time: what waits in Node's own queue would be lost with the worker. */
  function sendNext(): void {
    isSending = false
    if (!child.connected) return // what waits goes to another worker
    let next = queue.shift()
    while (next?.destroyed) next = queue.shift()
    isSending = next !== undefined
    if (next !== undefined) tell({ kind: 'connection' }, next)
  }

  function onMessage(message: ToParent): void {
    switch (message.kind) {
      case 'ready':
        ready.resolve()
        break
      case 'connections':
        open = message.open
        if (message.isTaken) sendNext()
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
    exited: untilExit(child).then(exit => ({ ...exit, left: queue.splice(0) })),
    get load() {
      return open + queue.length + (isSending ? 1 : 0)
    },
    get lastMetrics() {
      return lastMetrics
    },
    give(socket) {
      queue.push(socket)
      if (!isSending) sendNext()
    },
    retire() {
      tell({ kind: 'retire' })
      return queue.splice(0)
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

/** Its last messages are read before its end is told. */
function untilExit(child: ChildProcess): Promise<Omit<WorkerExit, 'left'>> {
  return new Promise(resolve => {
    child.once('exit', (code, signal) => {
      if (child.connected) child.once('disconnect', () => resolve({ code, signal }))
      else resolve({ code, signal })
    })
    // It could not be started at all: there is no `exit` then.
    child.once('error', () => {
      if (child.pid === undefined) resolve({ code: 1, signal: null })
    })
  })
}
