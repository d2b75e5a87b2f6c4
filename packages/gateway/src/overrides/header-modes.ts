import { OperationError } from './draft.ts'
import { copyOf, isObject, typeOf } from './exact-json.ts'
import {
  clientHeader,
  copiedWords,
  type HeaderValue,
  headerValueWords,
  isHeaderName,
  isHeaderValue,
  isNeverCopied,
  isNeverSet,
  parseHeaderValue,
  renderHeaderValue,
  settableWords,
} from './headers.ts'
import { type Fields, isStreamName, type Run, type Step } from './operation.ts'
import { type Path, parsePath } from './path.ts'

/** The modes that change the headers of the attempt, not the body. */
export const headerModes = {
  set_header: fields => {
    const name = settable(fields, 'path')
    if (name === undefined) return undefined
    const { value, keepsOrigin } = fields
    if (isObject(value)) return rewriteTokens(name, fields, value)
    const parsed = parseHeaderValue(headerText(value))
    if (parsed === undefined) return fields.refuse('value', `${headerValueWords}; or an object`)
    return ({ headers, apiKey, client }) => {
      if (keepsOrigin && (headers.get(name) ?? '').trim() !== '') return
      const text = parsed === 'blank' ? '' : renderHeaderValue(parsed, { apiKey, client })
      if (text === '') headers.delete(name)
      else if (text !== undefined) headers.set(name, text)
    }
  },
  delete_header: fields => {
    const name = nameOf(fields.text('path'))
    return name === undefined ? undefined : ({ headers }) => void headers.delete(name)
  },
  copy_header: fields => transferHeader(fields, 'copy'),
  move_header: fields => transferHeader(fields, 'move'),
  pass_headers: fields => {
    const names = passedNames(fields.value)
    if (names === undefined || names.length === 0)
      return fields.refuse('value', 'names of headers: a text with commas, a list, or { headers: … }')
    if (names.some(name => !isHeaderName(name) || isNeverCopied(name)))
      return fields.refuse('value', copiedWords)
    return ({ headers, client }) => {
      for (const name of names) {
        const value = clientHeader(client, name)
        if (value === undefined || (fields.keepsOrigin && headers.has(name))) continue
        headers.set(name, value)
      }
    }
  },
  sync_fields: fields => {
    const from = syncEnd(fields, 'from')
    const to = syncEnd(fields, 'to')
    return from && to && (run => syncEnds(run, from, to))
  },
} as const satisfies Record<string, (fields: Fields) => Step | undefined>

const nameOf = (text: string | undefined) => text?.trim().toLowerCase()

/** A header that may be written, or a refusal at `field`. */
function settable(fields: Fields, field: 'path' | 'to'): string | undefined {
  const name = nameOf(fields.text(field))
  if (name === undefined) return undefined
  return isHeaderName(name) && !isNeverSet(name) ? name : fields.refuse(field, settableWords)
}

function headerText(value: unknown): string | undefined {
  const isScalar = ['string', 'number', 'boolean'].includes(typeOf(value))
  const text = isScalar ? String(value).trim() : undefined
  return text !== undefined && isHeaderValue(text) ? text : undefined
}

/** What the override has set, else what the client sent. */
const currentOf = ({ headers, client }: Run, name: string) => headers.get(name) ?? clientHeader(client, name)

function transferHeader(fields: Fields, mode: 'copy' | 'move'): Step | undefined {
  const path = nameOf(fields.optionalText('path'))
  const from = nameOf(fields.optionalText('from')) || path
  const to = nameOf(fields.optionalText('to')) || path
  if (from === undefined || from === '' || !isHeaderName(from))
    return fields.refuse('from', 'the name of a header')
  if (isNeverCopied(from)) return fields.refuse('from', copiedWords)
  if (to === undefined || !isHeaderName(to) || isNeverSet(to)) return fields.refuse('to', settableWords)
  return run => {
    const value = currentOf(run, from)
    if (value === undefined || value.trim() === '') return
    if (mode === 'move') run.headers.delete(from)
    run.headers.set(to, value)
  }
}

function passedNames(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') {
    const text = value.trim()
    if (/^[[{"]/.test(text)) return passedNames(parseOrNothing(text))
    return text.split(',').flatMap(name => (name.trim() === '' ? [] : [name.trim().toLowerCase()]))
  }
  if (Array.isArray(value)) {
    return value.every(name => typeof name === 'string')
      ? value.map(name => name.trim().toLowerCase())
      : undefined
  }
  if (!isObject(value)) return undefined
  return passedNames(value['headers'] ?? value['names'] ?? value['header'])
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

type Replacement = readonly HeaderValue[]

/** A list of tokens with commas (`anthropic-beta`), rewritten token by token. */
function rewriteTokens(
  name: string,
  fields: Fields,
  rules: Readonly<Record<string, unknown>>,
): Step | undefined {
  const replacements = new Map<string, Replacement>()
  for (const [token, value] of Object.entries(rules)) {
    if (token === '$keep_only_declared') continue
    const replacement = replacementOf(value)
    if (replacement === undefined)
      return fields.refuse('value', 'a text, null or a list of texts for each token')
    replacements.set(token, replacement)
  }
  if (Object.keys(rules).length === 0) return fields.refuse('value', 'an object with a token at least')
  const fallback = replacements.get('*')
  const appended = replacements.get('$append') ?? []
  replacements.delete('*')
  replacements.delete('$append')
  const keepsDeclaredOnly = rules['$keep_only_declared'] === true
  return run => {
    const current = (currentOf(run, name) ?? '').split(',').map(token => token.trim())
    const kept = current.flatMap(token => {
      if (token === '') return []
      const replacement = replacements.get(token) ?? fallback
      if (replacement !== undefined) return render(run, replacement)
      return keepsDeclaredOnly ? [] : [token]
    })
    const tokens = new Set([...kept, ...render(run, appended)])
    if (tokens.size === 0) run.headers.delete(name)
    else run.headers.set(name, [...tokens].join(', '))
  }
}

function replacementOf(value: unknown): Replacement | undefined {
  if (value === null) return []
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const values = list.map(each => parseHeaderValue(headerText(each)))
  return values.every(each => each !== undefined) ? values.filter(each => each !== 'blank') : undefined
}

function render(run: Run, replacement: Replacement): readonly string[] {
  return replacement.flatMap(value => renderHeaderValue(value, run) ?? [])
}

type SyncEnd =
  | { readonly kind: 'body'; readonly path: Path }
  | { readonly kind: 'header'; readonly name: string }

function syncEnd(fields: Fields, field: 'from' | 'to'): SyncEnd | undefined {
  const text = fields.text(field)
  if (text === undefined) return undefined
  const [, kind = '', rest = ''] = /^(?:(header|json|body):)?(.*)$/s.exec(text.trim()) ?? []
  if (kind === 'header') {
    const name = rest.trim().toLowerCase()
    if (!isHeaderName(name) || isNeverSet(name)) return fields.refuse(field, settableWords)
    return { kind: 'header', name }
  }
  const reading = parsePath(rest)
  if (reading.kind === 'refused') return fields.refuse(field, reading.allowed)
  const [first] = reading.path
  if (reading.path.some(segment => segment.kind === 'all')) return fields.refuse(field, 'a path without *')
  if (first?.kind === 'name' && isStreamName(first.name))
    return fields.refuse(field, 'a path other than stream')
  return { kind: 'body', path: reading.path }
}

/** Where exactly one side says something, the other gets it. */
function syncEnds(run: Run, from: SyncEnd, to: SyncEnd): void {
  const one = syncValue(run, from)
  const other = syncValue(run, to)
  if (one !== undefined && other === undefined) writeEnd(run, to, one)
  if (other !== undefined && one === undefined) writeEnd(run, from, other)
}

function syncValue(run: Run, end: SyncEnd): unknown {
  const value = end.kind === 'header' ? currentOf(run, end.name) : run.draft.read(namesOf(end.path))
  const isBlank = value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
  return isBlank ? undefined : value
}

function writeEnd({ draft, headers }: Run, end: SyncEnd, value: unknown): void {
  if (end.kind === 'body') {
    draft.write(namesOf(end.path), copyOf(value))
    return
  }
  const text = headerText(value)
  if (text === undefined)
    throw new OperationError(`a value of type ${typeOf(value)} does not fit into a header`)
  headers.set(end.name, text)
}

const namesOf = (path: Path) => path.flatMap(segment => (segment.kind === 'name' ? [segment.name] : []))
