/**
 * The bench's upstream: answers POST /v1/chat/completions as fast as Node can, in a process of its own.
 *   node upstream.ts HTTP_PORT TLS_PORT KEY_FILE CERT_FILE
 * Words in the model's name choose the answer: `frames100`, `gap5` (ms between frames; 0: the next turn of
 * the loop), `fail20` (per cent answered 500), `stamp` (each frame carries the time at which it was written).
 * A path that begins with /failN/ fails as `failN` does. GET /stats tells what was answered.
 */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { answerBody, failureBody, finishFrame, lastFrame, tokenFrame, usageFrame } from './answers.ts'
import { monotonicUs } from './clock.ts'

interface Wish {
  readonly frames: number
  readonly gapMs: number
  readonly failPercent: number
  readonly isStamped: boolean
}

const wishesMax = 100
const headBytes = 4096
const wishes = new Map<string, Wish>()
const stats = { answered: 0, failed: 0, streams: 0 }
let failureDebt = 0

const [httpPort, tlsPort, keyFile, certFile] = process.argv.slice(2)
const timeouts = { keepAliveTimeout: 300_000, requestTimeout: 0, headersTimeout: 0 }
listen(createServer(timeouts, take), httpPort)
if (keyFile !== undefined && certFile !== undefined) {
  const secrets = { key: readFileSync(keyFile), cert: readFileSync(certFile) }
  listen(createTlsServer({ ...timeouts, ...secrets }, take), tlsPort)
}

function listen(server: ReturnType<typeof createServer>, port: string | undefined): void {
  server.listen({ port: Number(port), host: '127.0.0.1', backlog: 8192 })
}

function take(request: IncomingMessage, response: ServerResponse): void {
  if (request.method === 'GET') {
    const body = request.url === '/stats' ? JSON.stringify(stats) : 'ready'
    response.writeHead(200).end(body)
    return
  }
  let first: Buffer | undefined
  let last: Buffer | undefined
  let count = 0
  request.on('data', (chunk: Buffer) => {
    first ??= chunk
    last = chunk
    count++
  })
  request.on('end', () => {
    if (first === undefined || last === undefined) response.writeHead(400).end()
    else answer(request.url ?? '', edgesOf(first, count === 1 ? undefined : last), response)
  })
}

/**
 * The first and the last 4 KB of a body: `model`, `stream` and `stream_options` stand there, wherever a
 * gateway puts them.
 */
function edgesOf(first: Buffer, last: Buffer | undefined): string {
  const end = last ?? first
  if (last === undefined && first.length <= 2 * headBytes) return first.toString('latin1', 0, first.length)
  return (
    first.toString('latin1', 0, headBytes) +
    end.toString('latin1', Math.max(0, end.length - headBytes), end.length)
  )
}

function answer(url: string, edges: string, response: ServerResponse): void {
  const model = /"model"\s*:\s*"([^"]*)"/.exec(edges)?.[1] ?? ''
  const wish = wishOf(model)
  if (mustFail(wish.failPercent + Number(/^\/fail(\d+)\//.exec(url)?.[1] ?? 0))) {
    stats.failed++
    sendWhole(response, 500, failureBody)
  } else if (/"stream"\s*:\s*true/.test(edges)) {
    stats.streams++
    sendStream(response, wish, /"include_usage"\s*:\s*true/.test(edges))
  } else {
    stats.answered++
    sendWhole(response, 200, answerBody)
  }
}

/** Spreads failures evenly: 20 % is every fifth. */
function mustFail(percent: number): boolean {
  if (percent === 0) return false
  failureDebt += percent
  if (failureDebt < 100) return false
  failureDebt -= 100
  return true
}

function sendWhole(response: ServerResponse, status: number, body: Buffer): void {
  response.writeHead(status, [
    'content-type',
    'application/json',
    'content-length',
    `${body.length}`,
    'x-request-id',
    'req_0123456789abcdef',
    'openai-processing-ms',
    '1',
  ])
  response.end(body)
}

function sendStream(response: ServerResponse, wish: Wish, withUsage: boolean): void {
  response.writeHead(200, [
    'content-type',
    'text/event-stream; charset=utf-8',
    'cache-control',
    'no-cache',
    'x-request-id',
    'req_0123456789abcdef',
  ])
  let sent = 0
  const writeNext = (): boolean => {
    sent++
    return response.write(tokenFrame(wish.isStamped ? monotonicUs() : undefined))
  }
  const end = () => {
    response.write(finishFrame)
    if (withUsage) response.write(usageFrame)
    response.end(lastFrame)
  }
  if (wish.gapMs === 0) {
    const turn = () => {
      if (response.destroyed) return
      if (sent === wish.frames) return end()
      if (writeNext()) setImmediate(turn)
      else response.once('drain', turn)
    }
    turn()
    return
  }
  writeNext()
  const timer = setInterval(() => {
    if (sent < wish.frames) {
      writeNext()
    } else {
      clearInterval(timer)
      end()
    }
  }, wish.gapMs)
  response.on('close', () => clearInterval(timer))
}

function wishOf(model: string): Wish {
  const known = wishes.get(model)
  if (known !== undefined) return known
  const word = (name: string, fallback: number) =>
    Number(new RegExp(`${name}(\\d+)`).exec(model)?.[1] ?? fallback)
  const wish = {
    frames: word('frames', 20),
    gapMs: word('gap', 0),
    failPercent: word('fail', 0),
    isStamped: model.includes('stamp'),
  }
  if (wishes.size < wishesMax) wishes.set(model, wish)
  return wish
}
