import type { Context } from './conditions.ts'
import type { BodyDraft } from './draft.ts'
import { isObject } from './exact-json.ts'
import type { ClientHeaders, HeaderDraft } from './headers.ts'
import type { IssuePath, Issues } from './issues.ts'
import { type Path, parsePath, wildcardsOf } from './path.ts'

/** What an operation works on, in one attempt. */
export interface Run {
  readonly draft: BodyDraft
  readonly headers: HeaderDraft
  readonly client: ClientHeaders
  /** The channel's, for the administrator's `{api_key}`. */
  readonly apiKey: string
  readonly context: Context
}

/** One operation, ready to be done. @throws OperationError, ReturnedError, SyntaxError (the client's member is no JSON) */
export type Step = (run: Run) => void

/** The fields of an operation as its mode reads them; what is wrong with one is an issue at its place. */
export interface Fields {
  readonly value: unknown
  readonly keepsOrigin: boolean
  /** A text that has to be there, and not be empty. */
  text(field: 'path' | 'value' | 'from' | 'to'): string | undefined
  optionalText(field: 'path' | 'from' | 'to'): string | undefined
  /** A path that is read. */
  source(field: 'path' | 'from'): Path | undefined
  /** A path that is written. */
  target(field: 'path' | 'from' | 'to'): Path | undefined
  refuse(field: string, allowed: string): undefined
}

const streamWords =
  'a path other than stream: the client decides whether the answer streams, and the relay reads it as the client asked'

export function fieldsOf(
  operation: Readonly<Record<string, unknown>>,
  at: IssuePath,
  issues: Issues,
): Fields {
  const refuse = (field: string, allowed: string) => issues.add([...at, field], allowed)
  const path = (field: string): Path | undefined => {
    const text = operation[field]
    if (typeof text !== 'string' || text === '') return refuse(field, 'a path like messages.0.content')
    const reading = parsePath(text)
    return reading.kind === 'path' ? reading.path : refuse(field, reading.allowed)
  }
  return {
    value: operation['value'],
    keepsOrigin: operation['keep_origin'] === true,
    refuse,
    text(field) {
      const found = operation[field]
      const text = typeof found === 'number' || typeof found === 'boolean' ? String(found) : found
      return typeof text === 'string' && text !== '' ? text : refuse(field, 'a text that is not empty')
    },
    optionalText(field) {
      const found = operation[field]
      if (found === undefined || found === null) return ''
      return typeof found === 'string' ? found : refuse(field, 'a text')
    },
    source: path,
    target(field) {
      const found = path(field)
      return found === undefined || !mayBeStream(found) ? found : refuse(field, streamWords)
    },
  }
}

/** Whether writing there could change how the answer comes. */
function mayBeStream([first]: Path): boolean {
  return first === undefined || first.kind === 'all' || isStreamName(first.name)
}

/** Readers that fold case take `Stream` for `stream`. */
export const isStreamName = (name: string) => name.toLowerCase().replaceAll('\u017f', 's') === 'stream'

/** A number that a double cannot hold has lost digits before anyone could look. */
export function findLostNumber(value: unknown, at: IssuePath = []): IssuePath | undefined {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) return at
  if (!Array.isArray(value) && !isObject(value)) return undefined
  for (const [name, inner] of Object.entries(value)) {
    const found = findLostNumber(inner, [...at, Array.isArray(value) ? Number(name) : name])
    if (found !== undefined) return found
  }
  return undefined
}

export const hasSameWildcards = (from: Path, to: Path) => wildcardsOf(from) === wildcardsOf(to)
