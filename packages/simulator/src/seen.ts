import type { IncomingHttpHeaders } from 'node:http'

/** A request as it arrived, and how its answer ended. */
export interface SeenRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Names and values in turns, as they were sent. */
  readonly rawHeaders: readonly string[]
  /** At most its first 1,048,576 characters. */
  readonly body: string
  readonly bodyBytes: number
  /** Milliseconds since 1970. */
  readonly at: number
  /** The client hung up before the answer was complete. */
  readonly aborted: boolean
  readonly completed: boolean
}

/** The same record while it is being filled. */
export type SeenDraft = { -readonly [Field in keyof SeenRequest]: SeenRequest[Field] }

export interface SeenRequests {
  readonly list: readonly SeenRequest[]
  readonly add: (request: SeenDraft) => void
  readonly keepBody: (request: SeenDraft, body: { readonly text: string; readonly bytes: number }) => void
  readonly clear: () => void
}

const requestsMax = 1000
const bodyBytesMax = 1024 * 1024
const allBytesMax = 64 * 1024 * 1024

/** The last 1,000 requests; fewer while their bodies together exceed 64 MiB. */
export function createSeenRequests(): SeenRequests {
  const list: SeenDraft[] = []
  let bytes = 0
  const dropOldest = () => {
    const oldest = list.shift()
    if (oldest !== undefined) bytes -= Math.min(oldest.bodyBytes, bodyBytesMax)
  }
  return {
    list,
    add(request) {
      list.push(request)
      if (list.length > requestsMax) dropOldest()
    },
    keepBody(request, body) {
      request.bodyBytes = body.bytes
      request.body = body.text.slice(0, bodyBytesMax)
      if (list.lastIndexOf(request) < 0) return
      bytes += Math.min(body.bytes, bodyBytesMax)
      while (bytes > allBytesMax && list.length > 1) dropOldest()
    },
    clear() {
      list.length = 0
      bytes = 0
    },
  }
}
