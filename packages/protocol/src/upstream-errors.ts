import type { DialectName } from './dialect.ts'
import { type ErrorRule, errorRules, pageRules } from './error-rules.ts'
import type { UpstreamError, UpstreamErrorClass } from './errors.ts'
import { isWire, jsonText, listAt, textAt, type Wire, wireAt } from './reading.ts'

/** Enough for any sentence of an upstream; a page of HTML is cut. */
const messageCharsMax = 2_000

/**
 * An upstream's refusal in neutral terms. Reads the shapes of all dialects and of the services that imitate
 * them: `{error:{…}}`, `[{error:{…}}]`, DashScope's native `{code,message,request_id}`, one-api's flat ones,
 * text and HTML.
 */
export function parseUpstreamError(dialect: DialectName, status: number, body: unknown): UpstreamError {
  const root = isRefusalList(body) ? body[0] : body
  const holders = errorHolders(root)
  const told = status >= 400 ? status : (ownStatus(holders) ?? status)
  const message = messageOf(root, holders) || `status ${status} without a readable body`
  const type = firstText(holders, 'type') || firstText(holders, 'status')
  const code = firstText(holders, 'code')
  const param = firstText(holders, 'param')
  const retryAfterMs = retryDelayOf(holders)
  const refusal = { dialect, status: told, codes: codesOf(holders), message }
  return {
    class:
      told < 400 && !isWire(root) ? 'upstream_protocol' : classify({ ...refusal, ...foreignOf(root, told) }),
    status: told,
    message,
    ...(type && { upstreamType: type }),
    ...(code && { upstreamCode: code }),
    ...(param && { param }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  }
}

/** An error object where an answer was due (status 200); `undefined` when `body` is none. */
export function findUpstreamError(dialect: DialectName, body: unknown): UpstreamError | undefined {
  return holdsError(isRefusalList(body) ? body[0] : body) ? parseUpstreamError(dialect, 200, body) : undefined
}

/** A stream or answer that breaks its own protocol. The message never holds what the model wrote. */
export function protocolError(message: string): UpstreamError {
  return { class: 'upstream_protocol', status: 200, message }
}

interface Refusal {
  readonly dialect: DialectName
  readonly status: number
  readonly codes: readonly string[]
  readonly message: string
  /** A page of what stands in front of the API. */
  readonly isPage: boolean
  /** The API itself never saw the request. */
  readonly isForeign: boolean
}

function classify({ dialect, status, codes, message, isPage, isForeign }: Refusal): UpstreamErrorClass {
  const holds = (rule: ErrorRule) =>
    (rule.only?.includes(dialect) ?? true) &&
    (rule.statuses?.includes(status) ?? true) &&
    (rule.codes?.some(word => codes.some(code => isCode(word, code))) ?? true) &&
    (rule.says?.test(message) ?? true)
  const rule = (isPage ? pageRules : errorRules).find(holds)
  if (rule) return rule.class
  return status >= 400 && status < 500 && !isForeign ? 'invalid_request' : 'upstream_error'
}

/** The page of a web server or proxy, or its word that nothing is at this address: the API itself never saw the request. */
function foreignOf(root: unknown, status: number): Pick<Refusal, 'isPage' | 'isForeign'> {
  if (typeof root !== 'string' || root.startsWith('{')) return { isPage: false, isForeign: false }
  const isPage = pageStart.test(root)
  return { isPage, isForeign: isPage || status === 404 || status === 405 }
}

/** HTML, or what Cloudflare says to programs that do not ask for HTML: `error code: 1020`. */
const pageStart = /^\s*(?:<|error code: 1\d{3}\s*$)/i

function isCode(word: string | RegExp, code: string): boolean {
  return typeof word === 'string' ? word === code : word.test(code)
}

/** Vertex and Google's compatible mode wrap an error in a list. */
function isRefusalList(body: unknown): body is readonly unknown[] {
  return Array.isArray(body) && isWire(body[0]) && 'error' in body[0]
}

/** The members of an answer; a body with one of them is no bare error. */
const answerMembers = [
  'choices',
  'output',
  'content',
  'candidates',
  'data',
  'embeddings',
  'results',
  'result',
]

function holdsError(body: unknown): boolean {
  if (!isWire(body)) return false
  if (typeof body.error === 'string') return body.error !== ''
  if (isWire(body.error)) return Object.keys(body.error).length > 0
  if (body.type === 'error' || body.success === false) return true
  if (isFailureCode(wireAt(body, 'base_resp')?.status_code)) return true
  if (!isFailureCode(body.code ?? body.error_code) || flatMessage(body) === '') return false
  return answerMembers.every(member => body[member] === undefined || body[member] === null)
}

/**
 * DashScope, SiliconFlow, Baidu and MiniMax report failure by a code beside the answer; success is `0`,
 * `200`, `''`.
 */
function isFailureCode(code: unknown): boolean {
  if (typeof code === 'number') return code !== 0 && code !== 200
  return typeof code === 'string' && !/^(?:|0|200|ok|success)$/i.test(code)
}

/** Where an error's members may stand, the most telling first. */
function errorHolders(root: unknown): readonly Wire[] {
  if (!isWire(root)) return []
  const error = wireAt(root, 'error') ?? wireAt(wireAt(root, 'response'), 'error')
  return error ? [error, root] : [root]
}

function firstText(holders: readonly Wire[], key: string): string {
  for (const holder of holders) {
    const value = holder[key]
    if (typeof value === 'string' && value !== '') return value
    if (typeof value === 'number') return String(value)
  }
  return ''
}

/** An HTTP status that the body itself names, as Gemini's and OpenRouter's `error.code` do. */
function ownStatus(holders: readonly Wire[]): number | undefined {
  for (const holder of holders) {
    for (const value of [holder.code, holder.status]) {
      const status = typeof value === 'string' && /^[45]\d\d$/.test(value) ? Number(value) : value
      if (typeof status === 'number' && status >= 400 && status < 600) return status
    }
  }
  return undefined
}

/**
 * Every machine code of the body in lower case; Gemini's quota ids are codes too (`GenerateRequestsPerDay…`).
 */
function codesOf(holders: readonly Wire[]): readonly string[] {
  const codes: string[] = []
  const add = (value: unknown) => {
    if (typeof value === 'string' && value !== '') codes.push(value.toLowerCase())
  }
  for (const holder of holders) {
    for (const key of ['code', 'type', 'status', 'reason', 'error_code']) add(holder[key])
    add(wireAt(holder, 'innererror')?.code)
    add(wireAt(holder, 'details')?.error_code)
    for (const detail of listAt(holder, 'details')) {
      add(textAt(detail, 'reason'))
      for (const violation of listAt(detail, 'violations')) add(textAt(violation, 'quotaId'))
    }
  }
  return codes
}

function messageOf(root: unknown, holders: readonly Wire[]): string {
  const text = typeof root === 'string' ? root : holders.map(flatMessage).find(message => message !== '')
  const raw = textAt(wireAt(holders[0], 'metadata'), 'raw')
  return bounded(raw === '' ? (text ?? '') : `${text ?? ''} (${raw})`)
}

/** Members that hold the words of an error, in the order in which they are believed. */
const messageMembers = ['message', 'error', 'msg', 'err', 'error_msg', 'detail', 'errors']

function flatMessage(holder: Wire): string {
  for (const member of messageMembers) {
    const text = jsonText(holder[member])
    if (text !== '' && text !== '[]' && text !== '{}') return text
  }
  return textAt(wireAt(holder, 'header'), 'message') || textAt(wireAt(holder, 'base_resp'), 'status_msg')
}

function bounded(text: string): string {
  return text.slice(0, messageCharsMax).trim().toWellFormed()
}

/** Google's `RetryInfo.retryDelay`, a duration like `"7s"` or `"0.25s"`. */
function retryDelayOf(holders: readonly Wire[]): number | undefined {
  for (const detail of listAt(holders[0], 'details')) {
    const seconds = /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(textAt(detail, 'retryDelay'))?.[1]
    if (seconds !== undefined) return Math.ceil(Number(seconds) * 1000)
  }
  return undefined
}
