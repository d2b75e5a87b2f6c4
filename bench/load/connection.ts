import { connect, type Socket } from 'node:net'
import { monotonicUs } from '../clock.ts'
import { createFrameCounter, type FrameCounter } from './frames.ts'
import { createResponseParser, type ResponseSink } from './response-parser.ts'

export interface Outcome {
  /** `undefined` when the connection broke before an answer. */
  readonly status: number | undefined
  readonly error: string | undefined
  readonly dueUs: number
  readonly firstByteUs: number
  readonly endUs: number
  readonly frames: number
  readonly isDone: boolean
}

export interface ConnectionParts {
  readonly port: number
  readonly head: Buffer
  readonly body: Buffer
  readonly isStreaming: boolean
  readonly onOpen: () => void
  readonly onOutcome: (outcome: Outcome) => void
  readonly onStamp: ((stampUs: number) => void) | undefined
}

export interface Connection {
  /** Connects beforehand; otherwise the first request does. */
  open(): unknown
  /** One request at a time; `onOutcome` is called once for each. */
  send(dueUs: number): void
  close(): void
}

/** A keep-alive connection that is opened when it is first used, and again after it broke. */
export function createConnection(parts: ConnectionParts): Connection {
  let socket: Socket | undefined
  let counter: FrameCounter | undefined
  let isBusy = false
  let [dueUs, firstByteUs] = [0, 0]
  let status: number | undefined
  // A small request leaves as one buffer, a large one as two, so that it is not copied per request.
  const isSmall = parts.body.length <= 64 * 1024
  const pieces = isSmall ? [Buffer.concat([parts.head, parts.body])] : [parts.head, parts.body]

  const drop = () => {
    const dropped = socket
    socket = undefined
    dropped?.destroy()
  }
  const finish = (error: string | undefined) => {
    if (!isBusy) return
    isBusy = false
    if (socket !== undefined && socket.writableLength > 0) drop() // answered before all was sent
    const [frames, isDone] = [counter?.frames ?? 0, counter?.isDone() ?? false]
    parts.onOutcome({ status, error, dueUs, firstByteUs, endUs: monotonicUs(), frames, isDone })
  }
  const onFirstByte = () => {
    if (firstByteUs > 0) return
    firstByteUs = monotonicUs()
    parts.onOpen()
  }
  const sink: ResponseSink = {
    onHead(found) {
      status = found
      if (!parts.isStreaming) onFirstByte()
    },
    onBody(piece) {
      onFirstByte()
      counter?.push(piece)
    },
    onEnd: () => finish(undefined),
  }
  const ensureSocket = (): Socket => {
    socket ??= connectSocket(parts.port, sink, (broken, error) => {
      if (socket !== broken) return // one that was dropped before
      socket = undefined
      finish(error)
    })
    return socket
  }

  return {
    open: ensureSocket,
    send(due) {
      isBusy = true
      dueUs = due
      firstByteUs = 0
      status = undefined
      counter = parts.isStreaming ? createFrameCounter(parts.onStamp) : undefined
      const open = ensureSocket()
      for (const piece of pieces) open.write(piece)
    },
    close: drop,
  }
}

/** `onBroken` is called once, when the socket has closed, with the reason. */
function connectSocket(
  port: number,
  sink: ResponseSink,
  onBroken: (socket: Socket, reason: string) => void,
): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const parser = createResponseParser(sink)
  let reason = 'closed before the answer was whole'
  socket.on('data', (bytes: Buffer) => {
    try {
      if (!socket.destroyed) parser.push(bytes)
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error)
      socket.destroy()
    }
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    reason = error.code ?? error.message
  })
  socket.on('close', () => onBroken(socket, reason))
  return socket
}
