import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Step } from './reply.ts'

export interface Delivery {
  readonly response: ServerResponse
  /** Where bytes go: the TLS layer if there is one. */
  readonly socket: Socket
  /** What can be reset: the TCP connection itself. */
  readonly connection: Socket
  readonly steps: Iterable<Step>
  readonly onComplete: () => void
  /** The client hung up before the steps were done. */
  readonly onAborted: () => void
}

/**
 * Takes one step after another and holds nothing but the step in hand: it stops while the socket is full,
 * a timer lives only as long as a wait, and everything ends when the client goes.
 */
export function deliver({ response, socket, connection, steps, onComplete, onAborted }: Delivery): void {
  const iterator = steps[Symbol.iterator]()
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  response.once('finish', () => {
    isOver = true
    onComplete()
  })
  response.once('close', () => {
    if (!isOver) onAborted()
    isOver = true
    if (!socket.destroyed) return
    clearTimeout(timer)
    iterator.return?.()
  })
  const endOurselves = (act: () => void) => {
    isOver = true
    setImmediate(act)
  }
  const run = () => {
    if (socket.destroyed) return
    socket.cork()
    let goesOn = true
    while (goesOn) {
      const next = iterator.next()
      goesOn = next.done !== true && take(next.value)
    }
    socket.uncork()
  }
  const afterDrain = () => setImmediate(run)
  const take = (step: Step): boolean => {
    switch (step.kind) {
      case 'wait':
        flushHead(response)
        timer = setTimeout(run, step.ms)
        return false
      case 'hang':
        flushHead(response)
        return false
      case 'close':
      case 'reset':
        flushHead(response)
        endOurselves(() => (step.kind === 'close' ? socket.destroySoon() : connection.resetAndDestroy()))
        return false
      case 'forget':
        connection.prependOnceListener('data', () => connection.resetAndDestroy())
        return true
      case 'hang-up':
        endOurselves(() => socket.destroySoon())
        onComplete()
        return false
      case 'head':
      case 'bytes':
      case 'raw':
      case 'end':
      case 'information': {
        const hasRoom = send(step, response, socket)
        if (!hasRoom) (step.kind === 'raw' ? socket : response).once('drain', afterDrain)
        return hasRoom
      }
    }
  }
  run()
}

type SentStep = Extract<Step, { kind: 'head' | 'bytes' | 'raw' | 'end' | 'information' }>

/** Sends what the step says; `false` when the socket is full and the next one must wait. */
function send(step: SentStep, response: ServerResponse, socket: Socket): boolean {
  switch (step.kind) {
    case 'head':
      response.writeHead(step.status, flat(step.headers))
      return true
    case 'bytes':
      return response.write(step.bytes)
    case 'raw':
      return socket.write(step.bytes)
    case 'end':
      response.end(step.bytes)
      return true
    case 'information':
      inform(response, step.status)
      return true
  }
}

function flushHead(response: ServerResponse): void {
  if (response.headersSent) response.flushHeaders()
}

function inform(response: ServerResponse, status: 100 | 102 | 103): void {
  if (status === 100) response.writeContinue()
  else if (status === 102) response.writeProcessing()
  else response.writeEarlyHints({ link: '</simulated.css>; rel=preload; as=style' })
}

function flat(headers: readonly (readonly [string, string])[]): string[] {
  return headers.flat()
}
