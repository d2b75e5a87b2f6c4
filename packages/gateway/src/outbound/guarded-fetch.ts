import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { type Exchanged, exchange, redirectStatuses, TooLargeError } from './exchange.ts'
import { type Allowed, type FetchOptions, judgeAddresses, judgeUrl, type Refused, refuse } from './policy.ts'

export interface GuardedFetchParts {
  readonly options: () => FetchOptions
  readonly limits: {
    readonly fetchBytesMax: number
    readonly fetchTimeoutMs: number
    readonly fetchRedirectsMax: number
    readonly fetchesMax: number
  }
  /** All addresses of a host; the system's resolver when not given. */
  readonly resolve?: (host: string) => Promise<readonly string[]>
}

export interface FetchRequest {
  readonly url: string
  readonly method?: 'GET' | 'POST'
  /** Not passed on to another origin. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** Less than `fetchBytesMax`, where the caller needs less. */
  readonly bytesMax?: number
}

export type FetchOutcome =
  | {
      readonly kind: 'fetched'
      readonly status: number
      readonly contentType: string | undefined
      /** Decompressed. */
      readonly bytes: Buffer
      /** The last address, after redirects. */
      readonly url: string
    }
  | Refused
  /** Allowed, and nothing usable came. `message` is for the client, `detail` for the log. */
  | { readonly kind: 'failed'; readonly message: string; readonly detail: string }

export type GuardedFetch = (request: FetchRequest, signal: AbortSignal) => Promise<FetchOutcome>

/** Fetches addresses that users name, see the README. Never throws for what a user, a server or the network does. */
export function createGuardedFetch(parts: GuardedFetchParts): GuardedFetch {
  let running = 0
  return async (request, signal) => {
    if (running >= parts.limits.fetchesMax)
      return refuse('busy', 'too many addresses are being fetched just now; try again', 'fetchesMax')
    running++
    const ending = new AbortController()
    const end = () => ending.abort(signal.reason)
    const timer = setTimeout(
      () => ending.abort(new TimeUpError('fetchTimeoutMs')),
      parts.limits.fetchTimeoutMs,
    )
    signal.addEventListener('abort', end)
    try {
      signal.throwIfAborted()
      return await follow(parts, request, ending.signal)
    } catch (error) {
      return tellFailure(error, signal)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      running--
    }
  }
}

class TimeUpError extends Error {
  override readonly name = 'TimeUpError'
}

/** From address to address, each judged as the first. A request with a body goes to its own address only. */
async function follow(
  parts: GuardedFetchParts,
  request: FetchRequest,
  signal: AbortSignal,
): Promise<FetchOutcome> {
  const method = request.method ?? 'GET'
  let address = request.url
  let headers = request.headers ?? {}
  for (let redirects = 0; redirects <= parts.limits.fetchRedirectsMax; redirects++) {
    const options = parts.options()
    const allowed = judgeUrl(address, options)
    if (allowed.kind === 'refused') return allowed
    const addresses = await addressesOf(parts, allowed, signal)
    if (addresses.length === 0)
      return failed('the address has no host that can be found', `${allowed.host}: no address`)
    const refused = judgeAddresses(allowed.host, addresses, options)
    if (refused !== undefined) return refused
    const bytesMax = Math.min(request.bytesMax ?? parts.limits.fetchBytesMax, parts.limits.fetchBytesMax)
    const answer = await exchange(
      {
        url: allowed.url,
        method,
        headers,
        body: request.body,
        addresses,
        bytesMax,
        connectTimeoutMs: parts.limits.fetchTimeoutMs,
      },
      signal,
    )
    const next = nextAddress(answer, allowed.url)
    if (next === undefined) return read(answer, allowed.url, bytesMax)
    if (method !== 'GET')
      return refuse('redirects', 'the address redirects, and a request with a body does not follow')
    if (next.origin !== allowed.url.origin) headers = {}
    address = next.href
  }
  return refuse('redirects', `the address redirects more than ${parts.limits.fetchRedirectsMax} times`)
}

async function addressesOf(
  { resolve = resolveByTheSystem }: GuardedFetchParts,
  { host }: Allowed,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  // The resolver cannot be stopped; nobody waits for it longer than for the rest.
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([resolve(host), promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

async function resolveByTheSystem(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address)
}

/** Where a redirect leads; it is judged before it is followed. */
function nextAddress({ status, headers }: Exchanged, from: URL): URL | undefined {
  const location = single(headers['location'])
  if (!redirectStatuses.has(status) || location === undefined || !URL.canParse(location, from.href))
    return undefined
  return new URL(location, from.href)
}

const decoders: Readonly<
  Record<string, (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>>
> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

/** Decompressed up to the bound: what is small on the wire may be large in memory. */
async function read(
  { status, headers, bytes }: Exchanged,
  url: URL,
  bytesMax: number,
): Promise<FetchOutcome> {
  const contentType = single(headers['content-type'])
  const encoding = single(headers['content-encoding'])?.toLowerCase() ?? 'identity'
  const fetched = { kind: 'fetched', status, contentType, url: url.href } as const
  if (encoding === 'identity' || bytes.length === 0) return { ...fetched, bytes }
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined
  if (decoder === undefined)
    return refuse(
      'encoding',
      'the answer is compressed in a way that is not understood',
      encoding.slice(0, 40),
    )
  try {
    return { ...fetched, bytes: await decoder(bytes, { maxOutputLength: bytesMax }) }
  } catch (error) {
    if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') throw new TooLargeError('decompressed')
    return failed('the answer does not decompress', `${encoding}: ${codeOf(error)}`)
  }
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

/** What the network did: the client hears that it failed, the log how. The caller's own signal is the caller's. */
function tellFailure(error: unknown, signal: AbortSignal): FetchOutcome {
  if (signal.aborted && error === signal.reason) throw error
  if (error instanceof TooLargeError)
    return refuse(
      'size',
      'what the address holds is larger than is fetched',
      `the answer has ${error.message} beyond the limit`,
    )
  if (error instanceof TimeUpError) return failed('the address did not answer in time', error.message)
  const code = codeOf(error)
  if (code === undefined) throw error
  return failed('the address could not be fetched', code)
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function failed(message: string, detail: string): FetchOutcome {
  return { kind: 'failed', message, detail }
}
