/**
 * The floor: the least that any gateway on Node must do, so that a ratio to it says what a gateway adds.
 *   node floor.ts PORT UPSTREAM_ORIGIN [COPIES]
 * It reads the whole request (a gateway must know the model before it knows the upstream) and sends it on as
 * one buffer with a content-length. Headers are copied as flat arrays, less those of the one connection. An
 * answer with a content-length is collected and leaves by one `writeHead` and one `end` (piping it was
 * measured 1.5 % dearer: its head and body share a system call); any other is piped chunk by chunk with
 * back-pressure. Nothing is parsed, checked, counted, logged or retried. The sockets' settings are Node's
 * defaults (`noDelay` on, keep-alive), as the gateway's are. With more COPIES than one it starts that many processes of itself on one
 * port, among which the kernel shares the connections.
 */
import { fork } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'

const hopByHop = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const collectBytesMax = 1024 * 1024

const [port = '', origin = '', copies = '1'] = process.argv.slice(2)
const upstream = new Pool(origin)
const timeouts = { keepAliveTimeout: 300_000, requestTimeout: 0, headersTimeout: 0 }
if (copies !== '1') {
  for (let count = 0; count < Number(copies); count++) fork(import.meta.filename, [port, origin])
} else {
  createServer(timeouts, take).listen({
    port: Number(port),
    host: '127.0.0.1',
    backlog: 8192,
    reusePort: true,
  })
}

function take(request: IncomingMessage, response: ServerResponse): void {
  if (request.method === 'GET') {
    response.writeHead(200).end('ready')
    return
  }
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const [first] = chunks
    const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
    const options = { path: request.url ?? '/', method: 'POST', headers: requestHeaders(request), body }
    upstream.dispatch(options, createDelivery(response))
  })
}

function requestHeaders({ rawHeaders }: IncomingMessage): string[] {
  const headers: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (!hopByHop.has(name.toLowerCase())) headers.push(name, rawHeaders[index + 1] ?? '')
  }
  return headers
}

function createDelivery(response: ServerResponse): Dispatcher.DispatchHandler {
  let collected: Buffer[] | undefined
  return {
    onRequestStart(controller) {
      response.on('close', () => {
        if (!response.writableFinished) controller.abort(new Error('the client has left'))
      })
    },
    onResponseStart(_controller, status, headers) {
      const length = headers['content-length']
      if (length !== undefined && Number(length) <= collectBytesMax) collected = []
      response.writeHead(status, responseHeaders(headers))
    },
    onResponseData(controller, chunk) {
      if (collected !== undefined) {
        collected.push(chunk)
      } else if (!response.write(chunk)) {
        controller.pause()
        response.once('drain', () => controller.resume())
      }
    },
    onResponseEnd() {
      const [first] = collected ?? []
      if (collected === undefined || first === undefined) response.end()
      else response.end(collected.length === 1 ? first : Buffer.concat(collected))
    },
    onResponseError() {
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end()
    },
  }
}

function responseHeaders(headers: NodeJS.Dict<string | string[]>): string[] {
  const flat: string[] = []
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined || (hopByHop.has(name) && name !== 'content-length')) continue
    flat.push(name, typeof value === 'string' ? value : value.join(', '))
  }
  return flat
}
