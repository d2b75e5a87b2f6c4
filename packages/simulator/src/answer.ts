import { hash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { readAnthropic, readCountTokens } from './anthropic/messages.ts'
import type { Asked } from './ask.ts'
import type { Attempts } from './attempts.ts'
import type { Fault } from './faults/fault.ts'
import { faults } from './faults.ts'
import { readBatchEmbed, readEmbed } from './gemini/embed.ts'
import { readCount, readGenerate } from './gemini/generate.ts'
import { isDeeperThan, isObject, type JsonObject } from './json.ts'
import { checkKey } from './keys.ts'
import { applyKnobs } from './knobs.ts'
import { modelsText } from './models.ts'
import { readChat } from './openai-chat/chat.ts'
import { readCompletions } from './openai-chat/completions.ts'
import { readEmbeddings, readModerations } from './openai-chat/embeddings.ts'
import { readResponses } from './openai-responses/responses.ts'
import { familyOf, type Protocol, Refusal, refuse, renderTrouble, statusOf, type Trouble } from './refusal.ts'
import { type Header, type Reply, type Step, stepsOf, streamReply, wholeReply } from './reply.ts'
import { findTarget, guessProtocol, type Operation, type Target } from './route.ts'
import { type Script, writeScript } from './script.ts'
import { readWishes, type WishedFault, type Wishes } from './wishes.ts'

export interface Incoming {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: string
  readonly bodyBytes: number
}

const readers = {
  chat: readChat,
  completions: readCompletions,
  embeddings: readEmbeddings,
  moderations: readModerations,
  responses: readResponses,
  messages: (body, { headers }) => readAnthropic(body, headers),
  'count-message-tokens': (body, { headers }) => readCountTokens(body, headers),
  generate: (body, { model }) => readGenerate(body, { model, isStream: false }),
  'stream-generate': (body, { model }) => readGenerate(body, { model, isStream: true }),
  'count-tokens': (body, { model }) => readCount(body, { model, isStream: false }),
  embed: (body, { model }) => readEmbed(body, { model, isStream: false }),
  'batch-embed': (body, { model }) => readBatchEmbed(body, { model, isStream: false }),
} as const satisfies Record<
  Exclude<Operation, 'models'>,
  (body: JsonObject, place: { readonly headers: IncomingHttpHeaders; readonly model: string }) => Asked
>

/** What happens on the connection for this request. Pure but for `attempts`, which counts. */
export function answer(incoming: Incoming, attempts: Attempts): Iterable<Step> {
  const protocol = guessProtocol(incoming.url.pathname, incoming.headers)
  const digest = hash('sha1', `${incoming.url.pathname}\n${incoming.body}`).slice(0, 24)
  try {
    return stepsOf(replyTo(incoming, { protocol, digest, attempts }))
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return stepsOf(troubleReply(error.trouble, protocol, digest))
  }
}

interface Setting {
  readonly protocol: Protocol
  readonly digest: string
  readonly attempts: Attempts
}

function replyTo(incoming: Incoming, { protocol, digest, attempts }: Setting): Reply {
  const { headers } = incoming
  checkDuplicates(incoming.rawHeaders)
  const target = findTarget(incoming.method, incoming.url, protocol)
  checkKey(headers, target.query, protocol)
  if (target.operation === 'models')
    return wholeReply(200, usualHeaders(protocol, digest), modelsText(target))
  const asked = readers[target.operation](readBody(incoming, target), { headers, model: target.model ?? '' })
  const wishes = readWishes(asked.facts.model, headers)
  const due = dueFaults(wishes.faults, asked.facts.model, attempts)
  const trouble = due
    .map(({ fault, number }) => fault.refuse?.(number, protocol))
    .find(found => found !== undefined)
  if (trouble !== undefined) return applyKnobs(troubleReply(trouble, protocol, digest), wishes.knobs)
  const script = scriptFor(asked, { wishes, digest, due })
  const plain = plainReply(asked, script, { target, digest })
  const timed = applyKnobs(plain, wishes.knobs)
  return due.reduce(
    (reply, { fault, number }) => fault.reply?.(reply, { number, protocol, asked, script }) ?? reply,
    timed,
  )
}

interface DueFault {
  readonly fault: Fault
  readonly number: number
}

/** A fault that says when (`first-2`) rules over the one after it, or stands for a plain 500. */
function dueFaults(wished: readonly WishedFault[], model: string, attempts: Attempts): readonly DueFault[] {
  const due: DueFault[] = []
  let isDue = true
  for (const [index, { name, number }] of wished.entries()) {
    const fault: Fault = faults[name]
    const value = number ?? fault.number?.fallback ?? 0
    if (fault.isDue === undefined) {
      if (isDue) due.push({ fault, number: value })
      isDue = true
      continue
    }
    isDue = fault.isDue(value, attempts.next(`${model} ${name} ${value}`))
    const isLast = index === wished.length - 1
    if (isLast && isDue) due.push({ fault: faults['status-500'], number: 0 })
  }
  return due
}

interface ScriptParts {
  readonly wishes: Wishes
  readonly digest: string
  readonly due: readonly DueFault[]
}

function scriptFor(asked: Asked, { wishes, digest, due }: ScriptParts): Script {
  const script = writeScript(asked.facts, wishes, digest)
  return due.reduce((changed, { fault, number }) => fault.script?.(changed, number) ?? changed, script)
}

function plainReply(
  asked: Asked,
  script: Script,
  { target, digest }: { target: Target; digest: string },
): Reply {
  const headers = usualHeaders(target.protocol, digest)
  if (!asked.facts.isStream) return wholeReply(200, headers, asked.whole(script))
  const isGoogle = target.protocol === 'gemini'
  return streamReply(headers, {
    kind: 'stream',
    encoding: isGoogle && target.query.get('alt') !== 'sse' ? 'array' : 'sse',
    newline: isGoogle ? '\r\n' : '\n',
    items: asked.frames(script),
  })
}

function troubleReply(trouble: Trouble, protocol: Protocol, digest: string): Reply {
  const headers = [...usualHeaders(protocol, digest), ...(trouble.headers ?? [])]
  return wholeReply(statusOf(trouble, protocol), headers, renderTrouble(trouble, protocol, `req_${digest}`))
}

/** Headers as the real services send them, among them some that a gateway must not pass on. */
function usualHeaders(protocol: Protocol, digest: string): readonly Header[] {
  const cookie: Header = ['set-cookie', '__cf_bm=simulator; path=/; HttpOnly']
  switch (familyOf(protocol)) {
    case 'openai':
      return [
        ['x-request-id', `req_${digest}`],
        ['openai-organization', 'simulated-org'],
        ['x-ratelimit-remaining-requests', '9999'],
        cookie,
      ]
    case 'anthropic':
      return [
        ['request-id', `req_${digest}`],
        ['anthropic-organization-id', 'simulated-org'],
        ['anthropic-ratelimit-requests-remaining', '999'],
        cookie,
      ]
    case 'gemini':
      return [
        ['server', 'scaffolding on HTTPServer2'],
        ['x-content-type-options', 'nosniff'],
      ]
  }
}

function readBody(
  { headers, body, bodyBytes }: Incoming,
  { model, operation, protocol }: Target,
): JsonObject {
  if (bodyBytes > bodyBytesMax[familyOf(protocol)]) throw new Refusal({ kind: 'tooLarge' })
  const type = headers['content-type'] ?? ''
  if (!/^application\/json\b/i.test(type)) {
    throw new Refusal({
      kind: 'mediaType',
      message: `Unsupported content type: '${type}'. Use 'application/json'.`,
    })
  }
  const parsed = parse(body)
  if (!isObject(parsed)) refuse('The request body is not a JSON object.')
  if (isDeeperThan(parsed, levelsMax)) refuse('The request body is nested too deeply.')
  const isDeployment = model !== undefined && !googleOperations.has(operation)
  return isDeployment && parsed.model === undefined ? { ...parsed, model } : parsed
}

const levelsMax = 200

/** Anthropic's limit is its own; the others' are what the simulator keeps. */
const bodyBytesMax = {
  openai: 64 * 1024 * 1024,
  anthropic: 32 * 1024 * 1024,
  gemini: 64 * 1024 * 1024,
} as const

const googleOperations: ReadonlySet<Operation> = new Set([
  'generate',
  'stream-generate',
  'count-tokens',
  'embed',
  'batch-embed',
])

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return refuse('We could not parse the JSON body of your request. (The request was not valid JSON.)')
  }
}

const singleHeaders = new Set([
  'authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'anthropic-version',
  'content-type',
  'content-length',
  'host',
])

/** Front servers refuse a request that says twice who it is or what it holds. */
function checkDuplicates(rawHeaders: readonly string[]): void {
  const seen = new Set<string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? ''
    if (!singleHeaders.has(name)) continue
    if (seen.has(name)) refuse(`Duplicate header: ${name}`)
    seen.add(name)
  }
}
