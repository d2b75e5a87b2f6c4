import type { IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import { ClientGoneError, GatewayError } from '../gateway-error.ts'
import type { Listed, Roster } from '../roster.ts'
import type { ByteBudget } from './budget.ts'

export interface BodyParts {
  readonly limits: { readonly bodyBytesMax: number; readonly bodyIdleTimeoutMs: number }
  /** Body reads that are under way; the sweep ends those whose client has gone silent. */
  readonly reads: Roster<BodyRead>
  readonly clock: () => number
}

/** A body that is being read. */
export interface BodyRead extends Listed {
  readonly lastByteAt: number
  fail(error: GatewayError): void
}

const decoders: Readonly<Record<string, (options: { readonly chunkSize: number }) => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
}
const chunkSize = 64 * 1024

/** The whole request body, decompressed, within the limits; `budget` holds its bytes from here on. @throws GatewayError */
export async function readBody(
  request: IncomingMessage,
  parts: BodyParts,
  budget: ByteBudget,
): Promise<Buffer> {
  checkContentType(request.headers['content-type'])
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > parts.limits.bodyBytesMax) throw tooLarge(parts.limits.bodyBytesMax)
  const read = await collect(request, { announced, parts, budget })
  const encoding = request.headers['content-encoding']?.toLowerCase() ?? 'identity'
  return encoding === 'identity' ? read : decode(read, encoding, { parts, budget })
}

function checkContentType(contentType: string | undefined): void {
  if (contentType === undefined || /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType)) return
  throw new GatewayError(
    'invalid_request',
    `content-type must be application/json, found ${JSON.stringify(contentType.slice(0, 100))}`,
  )
}

interface Bounded {
  readonly parts: BodyParts
  readonly budget: ByteBudget
}

/** Takes what has come out of the budget, never what was announced: else a few silent clients would hold all of it. */
function collect(
  request: IncomingMessage,
  { announced, parts, budget }: Bounded & { readonly announced: number },
): Promise<Buffer> {
  const { limits, reads, clock } = parts
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = []
    let target: Buffer<ArrayBuffer> | undefined
    let budgeted = 0
    const read = { place: -1, lastByteAt: clock(), fail }
    reads.add(read)

    function fail(error: unknown): void {
      if (!reads.remove(read)) return
      request.off('data', onData)
      // Nobody else has seen it: its memory goes with its place in the budget, not when the collector comes by.
      target?.buffer.transfer(0)
      target = undefined
      chunks = []
      budget.give(budgeted)
      reject(error)
    }
    function onData(chunk: Buffer): void {
      read.lastByteAt = clock()
      try {
        if (budgeted + chunk.length > limits.bodyBytesMax) throw tooLarge(limits.bodyBytesMax)
        budget.take(chunk.length)
        budgeted += chunk.length
      } catch (error) {
        fail(error)
        return
      }
      if (target === undefined) chunks.push(chunk)
      else chunk.copy(target, budgeted - chunk.length)
      // Who has sent so much will send the rest: one buffer of its size, so that it never lies in memory twice.
      if (target === undefined && budgeted > preparedFrom && announced > budgeted) {
        target = Buffer.allocUnsafeSlow(announced)
        Buffer.concat(chunks).copy(target)
        chunks = []
      }
    }
    request.on('data', onData)
    request.once('end', () => {
      if (!reads.remove(read)) return
      resolve(target?.subarray(0, budgeted) ?? joined(chunks))
    })
    request.once('close', () => {
      if (read.place >= 0) fail(new ClientGoneError('the connection ended within the request body'))
    })
  })
}

const preparedFrom = 1024 * 1024

function joined(chunks: readonly Buffer[]): Buffer {
  const [only] = chunks
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
}

async function decode(read: Buffer, encoding: string, { parts, budget }: Bounded): Promise<Buffer> {
  const { limits } = parts
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined
  const chunks: Buffer[] = []
  let length = 0
  try {
    if (decoder === undefined) {
      throw new GatewayError(
        'invalid_request',
        `content-encoding may be ${Object.keys(decoders).join(', ')}, found ${encoding.slice(0, 40)}`,
      )
    }
    // Piece by piece out of the budget: many small bodies at once may each become a large one.
    for await (const chunk of decoder({ chunkSize }).end(read)) {
      if (length + chunk.length > limits.bodyBytesMax) throw tooLarge(limits.bodyBytesMax)
      budget.take(chunk.length)
      length += chunk.length
      chunks.push(chunk)
    }
    budget.give(read.length)
    return Buffer.concat(chunks)
  } catch (error) {
    budget.give(read.length + length)
    if (error instanceof GatewayError) throw error
    throw new GatewayError('invalid_request', `the body does not decompress as ${encoding}`, { cause: error })
  }
}

function tooLarge(bytesMax: number): GatewayError {
  return new GatewayError('payload_too_large', `the body is larger than ${bytesMax} bytes`)
}
