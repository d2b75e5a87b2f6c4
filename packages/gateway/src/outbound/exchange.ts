import { createRequire } from 'node:module'
import type { LookupFunction } from 'node:net'
import type { Dispatcher } from 'undici'

type Undici = typeof import('undici')

/** The client by its own file, when it is first needed: the package's index would bring 5 MB along. */
let loaded: Undici['Client'] | undefined
function loadClient(): Undici['Client'] {
  loaded ??= createRequire(import.meta.url)('undici/lib/dispatcher/client.js') as Undici['Client']
  return loaded
}

export interface ExchangeAsk {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
  /** Where the connection may go: these, and nothing that a second look at the DNS would give. */
  readonly addresses: readonly string[]
  readonly bytesMax: number
  readonly connectTimeoutMs: number
}

export interface Exchanged {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** As they came, perhaps compressed. Empty for a redirect: it is not read. */
  readonly bytes: Buffer
}

/** The answer is larger than the fetch may hold. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError'
}

export const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/**
 * One request over a connection of its own, which is closed afterwards.
 * @throws TooLargeError, the signal's reason, or what the network did
 */
export async function exchange(ask: ExchangeAsk, signal: AbortSignal): Promise<Exchanged> {
  const Client = loadClient()
  const client = new Client(ask.url.origin, {
    allowH2: false,
    pipelining: 1,
    connect: { lookup: pinnedLookup(ask.addresses), timeout: ask.connectTimeoutMs },
  })
  const { promise, resolve, reject } = Promise.withResolvers<Exchanged>()
  const collector = new Collector(ask.bytesMax, { resolve, reject })
  const onAbort = () => collector.fail(signal.reason)
  signal.addEventListener('abort', onAbort)
  try {
    signal.throwIfAborted()
    const { pathname, search } = ask.url
    const headers = { 'accept-encoding': 'identity', ...ask.headers, host: ask.url.host }
    const body = ask.body ?? null
    client.dispatch({ path: `${pathname}${search}`, method: ask.method, headers, body }, collector)
    return await promise
  } finally {
    signal.removeEventListener('abort', onAbort)
    await client.destroy()
  }
}

/** Answers with the addresses that were checked, whatever name is asked for. */
function pinnedLookup(addresses: readonly string[]): LookupFunction {
  const entries = addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
  return (_host, options, callback) => {
    const [first] = entries
    if (first === undefined) callback(new Error('no address'), [])
    else if (options.all) callback(null, entries)
    else callback(null, first.address, first.family)
  }
}

class Collector implements Dispatcher.DispatchHandler {
  readonly #bytesMax: number
  readonly #waiting: {
    readonly resolve: (answer: Exchanged) => void
    readonly reject: (error: unknown) => void
  }
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: Exchanged['headers'] = {}
  #chunks: Buffer[] = []
  #length = 0

  constructor(
    bytesMax: number,
    waiting: { readonly resolve: (answer: Exchanged) => void; readonly reject: (error: unknown) => void },
  ) {
    this.#bytesMax = bytesMax
    this.#waiting = waiting
  }

  fail(error: unknown): void {
    this.#waiting.reject(error)
    this.#controller?.abort(error instanceof Error ? error : new Error('given up'))
    this.#chunks = []
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Exchanged['headers'],
  ): void {
    if (status < 200) return
    this.#status = status
    this.#headers = headers
    if (redirectStatuses.has(status)) this.#finish()
    else if (Number(headers['content-length'] ?? 0) > this.#bytesMax)
      this.fail(new TooLargeError('announced'))
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.length
    if (this.#length > this.#bytesMax) this.fail(new TooLargeError('grown'))
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#finish()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#waiting.reject(error)
  }

  #finish(): void {
    this.#waiting.resolve({
      status: this.#status,
      headers: this.#headers,
      bytes: Buffer.concat(this.#chunks),
    })
    this.#chunks = []
  }
}
