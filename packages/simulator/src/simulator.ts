import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { Socket } from 'node:net'
import { answer, type Incoming } from './answer.ts'
import { createAttempts } from './attempts.ts'
import { controlReply } from './control.ts'
import { deliver } from './deliver.ts'
import { type Step, stepsOf } from './reply.ts'
import { createSeenRequests, type SeenDraft, type SeenRequest } from './seen.ts'

export type { SeenRequest } from './seen.ts'

export interface SimulatorOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** `127.0.0.1` unless told. */
  readonly host?: string
  /** PEM texts; with them it speaks HTTPS. */
  readonly tls?: { readonly key: string; readonly cert: string }
}

export interface Simulator {
  readonly url: string
  readonly port: number
  /** The last 1,000 requests, oldest first; the list is live. */
  readonly requests: readonly SeenRequest[]
  /** Forgets requests, and the counts of faults that depend on them. */
  readonly clear: () => void
  /** Ends every connection, hanging ones too. */
  readonly close: () => Promise<void>
}

const bodyBytesMax = 64 * 1024 * 1024
const idleMs = 60_000

/** Listens, and resolves when it does. Rejects when the port is taken. */
export async function startSimulator({
  port,
  host = '127.0.0.1',
  tls,
}: SimulatorOptions): Promise<Simulator> {
  const seen = createSeenRequests()
  const attempts = createAttempts()
  const connections = new Map<number | undefined, Socket>()
  const clear = () => {
    seen.clear()
    attempts.clear()
  }
  const listener: RequestListener = (request, response) => {
    const draft = draftOf(request)
    const control = controlReply(draft, { requests: seen.list, clear })
    if (control === undefined) seen.add(draft)
    readBody(request, body => {
      if (control === undefined) seen.keepBody(draft, body)
      const steps = control === undefined ? answer(incomingOf(draft, body), attempts) : stepsOf(control)
      const connection = connections.get(request.socket.remotePort) ?? request.socket
      deliverTo({ request, response, draft, connection, steps })
    })
    response.once('close', () => {
      if (!response.writableFinished && !request.complete) draft.aborted = true
    })
  }
  const server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener)
  server.keepAliveTimeout = idleMs
  server.on('connection', (socket: Socket) => {
    const { remotePort } = socket
    connections.set(remotePort, socket)
    socket.once('close', () => connections.delete(remotePort))
  })
  await listen(server, port, host)
  const address = server.address()
  const taken = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    port: taken,
    requests: seen.list,
    clear,
    close: () => close(server, connections.values()),
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly draft: SeenDraft
  readonly connection: Socket
  readonly steps: Iterable<Step>
}

function deliverTo({ request, response, draft, connection, steps }: Exchange): void {
  deliver({
    response,
    socket: request.socket,
    connection,
    steps,
    onComplete: () => {
      draft.completed = true
    },
    onAborted: () => {
      draft.aborted = true
    },
  })
}

function draftOf(request: IncomingMessage): SeenDraft {
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    body: '',
    bodyBytes: 0,
    at: Date.now(),
    aborted: false,
    completed: false,
  }
}

function incomingOf(draft: SeenDraft, { text, bytes }: ReadBody): Incoming {
  const { method, headers, rawHeaders, path } = draft
  return { method, headers, rawHeaders, body: text, bodyBytes: bytes, url: urlOf(path) }
}

/** Only path and query count; what is no path at all is answered as an unknown one. */
function urlOf(path: string): URL {
  return URL.parse(`http://simulator${path.startsWith('/') ? path : '/'}`) ?? new URL('http://simulator/')
}

interface ReadBody {
  readonly text: string
  readonly bytes: number
}

/** Keeps up to 64 MiB and throws the rest of a longer body away; `bytes` counts all of it. */
function readBody(request: IncomingMessage, onBody: (body: ReadBody) => void): void {
  const chunks: Buffer[] = []
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= bodyBytesMax) chunks.push(chunk)
  })
  request.once('end', () => onBody({ text: Buffer.concat(chunks).toString(), bytes }))
  request.on('error', () => chunks.splice(0))
}

function listen(server: Server, port: number, host: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, () => {
    server.off('error', reject)
    resolve()
  })
  return promise
}

function close(server: Server, connections: Iterable<Socket>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  for (const connection of connections) connection.destroy()
  return promise
}
