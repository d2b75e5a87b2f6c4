import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ulid } from 'ulid'
import { createPerAddress } from './per-address.ts'

/**
 * Not imported: an import reads every name that the module has, and `http.WebSocket` is a getter that loads Node's
 * own fetch, WebSocket and web streams, 12 MB and 18 ms of every start.
 */
const { createServer } = process.getBuiltinModule('node:http')

export interface HttpParts {
  readonly port: number
  readonly host: string
  readonly limits: {
    readonly headerBytesMax: number
    readonly headersCountMax: number
    readonly headersTimeoutMs: number
    readonly keepAliveMs: number
    readonly connectionsMax: number
    readonly requestTimeoutMs: number
  }
  readonly connectionsPerAddressMax: () => number
  /** Proxies have as many connections as they need: they stand for all of their clients. */
  readonly isTrustedProxy: (address: string) => boolean
  /** Told the name of a limit that a client has met. */
  readonly onShed: (limit: string) => void
  /** Paths of the clients' own protocols: taken before anything else looks at the request. */
  readonly isRelayPath: (path: string) => boolean
  readonly relay: (request: IncomingMessage, response: ServerResponse) => void
  readonly pages: Readonly<Record<string, (response: ServerResponse) => void>>
  /** Another process listens and hands its connections over; else this one listens on port and host. */
  readonly takeConnections?: ((take: (socket: Socket) => void) => void) | undefined
}

export interface HttpServer {
  readonly port: number
  /** Closes the port; connections that are idle go at once, the others when their request is over. */
  stopAccepting(): void
  /**
   * What is open goes on and a request on it is answered, as the last one of its connection. Resolves when no connection
   * is left, or after `ms`; those at rest are closed after `idleMs`: sooner, a request on its way would find a closed door.
   */
  retire(times: { readonly ms: number; readonly idleMs: number }): Promise<void>
  close(): Promise<void>
}

/** The one server: relay paths from the raw listener, the few pages of health and metrics beside them. */
export async function startHttpServer(parts: HttpParts): Promise<HttpServer> {
  const { limits } = parts
  let isRetiring = false
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: connectionsCheckMs,
      keepAliveTimeout: limits.keepAliveMs,
      noDelay: true,
    },
    (request, response) => {
      if (isRetiring) response.shouldKeepAlive = false
      handle(parts, request, response)
    },
  )
  // One more than may be: Node drops the rest in silence, the client's key among it.
  server.maxHeadersCount = limits.headersCountMax + 1
  server.maxConnections = limits.connectionsMax
  server.on('drop', () => parts.onShed('connectionsMax'))
  const perAddress = createPerAddress({ max: parts.connectionsPerAddressMax, isExempt: parts.isTrustedProxy })
  server.on('connection', socket => {
    const leave = perAddress.enter(socket.remoteAddress ?? '')
    if (leave !== undefined) socket.once('close', leave)
    else refuseConnection(parts, socket)
  })
  server.on('checkExpectation', (_request, response) => {
    const body = errorBody('the gateway knows no expectation but 100-continue', 'invalid_request_error')
    response.writeHead(417, { connection: 'close', ...jsonHeaders() }).end(body)
  })
  server.on('clientError', (error, socket) => {
    if (!socket.writable) return
    const status = isTooLarge(error)
      ? tooManyHeaders
      : isTimeout(error)
        ? '408 Request Timeout'
        : '400 Bad Request'
    socket.end(rawAnswer(status, badRequestBody(status)))
  })
  const handed = parts.takeConnections && takeHanded(server, parts.takeConnections)
  const port = handed === undefined ? await listen(server, parts) : parts.port
  return {
    port,
    async retire({ ms, idleMs }) {
      isRetiring = true
      server.keepAliveTimeout = idleMs
      const endsAt = performance.now() + ms
      const idleEndsAt = performance.now() + idleMs
      while (handed !== undefined && handed.size > 0 && performance.now() < endsAt) {
        if (performance.now() >= idleEndsAt) server.closeIdleConnections()
        await new Promise(resolve => setTimeout(resolve, retireCheckMs))
      }
    },
    stopAccepting() {
      server.close()
      server.closeIdleConnections()
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Connections that another process accepted. What `listen` does for its own is done here by hand. */
function takeHanded(
  server: Server,
  takeConnections: NonNullable<HttpParts['takeConnections']>,
): ReadonlySet<Socket> {
  const open = new Set<Socket>()
  server.emit('listening') // from here on Node checks the time limits of headers and requests
  takeConnections(socket => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.setNoDelay(true)
    server.emit('connection', socket)
  })
  return open
}

const retireCheckMs = 50

const tooManyHeaders = '431 Request Header Fields Too Large'

const tooManyConnections = '429 Too Many Requests'

/** Told before it has asked, and closed: whoever keeps so many open would keep this one too. */
function refuseConnection({ onShed }: HttpParts, socket: Socket): void {
  onShed('connectionsPerAddressMax')
  const message = 'this address has as many open connections as it may; close some, or reuse them'
  socket.write(rawAnswer(tooManyConnections, errorBody(message, 'rate_limit_error'), 'retry-after: 5\r\n'))
  socket.destroySoon()
}

/** An answer on a connection that has no request that could be read. */
function rawAnswer(status: string, body: string, more = ''): string {
  const head = `connection: close\r\nx-request-id: ${ulid()}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`
  return `HTTP/1.1 ${status}\r\n${more}${head}\r\n\r\n${body}`
}

/** A slow client's headers are looked at this often: its connection ends at most so much later than the limit. */
const connectionsCheckMs = 2_000

function handle(parts: HttpParts, request: IncomingMessage, response: ServerResponse): void {
  if (request.socket.destroyed || request.socket.writableEnded) return
  const url = withoutOrigin(request)
  if (parts.isRelayPath(url)) {
    if (request.method === 'OPTIONS') {
      answerPreflight(request, response)
      return
    }
    parts.relay(request, response)
    return
  }
  if (request.rawHeaders.length > parts.limits.headersCountMax * 2) {
    response.writeHead(431, { connection: 'close', ...jsonHeaders() }).end(badRequestBody(tooManyHeaders))
    return
  }
  const path = url.split('?')[0] ?? '/'
  const page = Object.hasOwn(parts.pages, path) ? parts.pages[path] : undefined
  if (page !== undefined && (request.method === 'GET' || request.method === 'HEAD')) page(response)
  else
    sendText(
      response,
      404,
      `There is nothing at ${path.slice(0, 200)}: model APIs are under /v1 and /v1beta.\n`,
    )
}

/** A proxy's clients name the whole address (RFC 9112 §3.2.2), and a server takes it: from here on it is the path alone. */
function withoutOrigin(request: IncomingMessage): string {
  const url = request.url ?? '/'
  if (url.startsWith('/')) return url
  request.url = url.replace(/^https?:\/\/[^/?#]*(?=$|[/?#])/i, '') || '/'
  return request.url
}

function jsonHeaders() {
  return { 'x-request-id': ulid(), 'content-type': 'application/json' }
}

/**
 * What a browser asks before a web page's client may call: every page may, with the headers that it names. No credentials: a
 * cookie means nothing here, and a page that has a key may use it.
 */
function answerPreflight(request: IncomingMessage, response: ServerResponse): void {
  const asked = request.headers['access-control-request-headers']
  response.writeHead(204, {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
    ...(asked !== undefined && { 'access-control-allow-headers': asked }),
    'access-control-max-age': '86400',
    vary: 'access-control-request-headers',
    'x-request-id': ulid(),
  })
  response.end()
}

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'x-request-id': ulid(),
  })
  response.end(text)
}

function listen(server: Server, { port, host }: HttpParts): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host }, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function badRequestBody(status: string): string {
  return errorBody(`the request could not be read: ${status.slice(4)}`, 'invalid_request_error')
}

function errorBody(message: string, type: string): string {
  return JSON.stringify({ error: { message, type, param: null, code: null } })
}

function isTooLarge(error: Error): boolean {
  return 'code' in error && error.code === 'HPE_HEADER_OVERFLOW'
}

function isTimeout(error: Error): boolean {
  return 'code' in error && error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
}
