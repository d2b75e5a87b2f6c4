import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ulid } from 'ulid'

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
  server.on('clientError', (error, socket) => {
    if (!socket.writable) return
    const status = isTooLarge(error)
      ? tooManyHeaders
      : isTimeout(error)
        ? '408 Request Timeout'
        : '400 Bad Request'
    const body = badRequestBody(status)
    const head = `connection: close\r\nx-request-id: ${ulid()}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`
    socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n\r\n${body}`)
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

/** A slow client's headers are looked at this often: its connection ends at most so much later than the limit. */
const connectionsCheckMs = 2_000

function handle(parts: HttpParts, request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? '/'
  if (request.rawHeaders.length > parts.limits.headersCountMax * 2) {
    response
      .writeHead(431, { connection: 'close', 'x-request-id': ulid(), 'content-type': 'application/json' })
      .end(badRequestBody(tooManyHeaders))
    return
  }
  if (parts.isRelayPath(url)) {
    parts.relay(request, response)
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
  return JSON.stringify({
    error: {
      message: `the request could not be read: ${status.slice(4)}`,
      type: 'invalid_request_error',
      param: null,
      code: null,
    },
  })
}

function isTooLarge(error: Error): boolean {
  return 'code' in error && error.code === 'HPE_HEADER_OVERFLOW'
}

function isTimeout(error: Error): boolean {
  return 'code' in error && error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
}
