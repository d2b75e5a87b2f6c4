import { readFile } from 'node:fs/promises'
import type { Snapshot } from '#catalog'
import { limits } from '#config'
import { findKeyRow, readCallerKey } from '#identity'
import { type Refusal, readRouteAsk } from '#relay'
import type { RouteAsk } from '#routing'
import type { Store } from '#store'
import { CliError } from './cli-error.ts'

/** What the command line says of a request that is to be explained. */
export interface AskOptions {
  readonly key?: string
  readonly model?: string
  readonly group?: string
  readonly dialect: string
  readonly stream?: true
  readonly request?: string
  readonly header: readonly string[]
  readonly clientIp?: string
}

/** Where a request of each dialect is sent. */
const paths: Readonly<Record<string, (model: string, isStreaming: boolean) => string>> = {
  'openai-chat': () => '/v1/chat/completions',
  'openai-responses': () => '/v1/responses',
  anthropic: () => '/v1/messages',
  gemini: (model, isStreaming) =>
    `/v1beta/models/${encodeURIComponent(model)}:${isStreaming ? 'streamGenerateContent' : 'generateContent'}`,
}

export const explainableDialects: readonly string[] = Object.keys(paths)

interface AskParts {
  readonly store: Store
  readonly snapshot: Snapshot
}

export interface CommandAsk {
  readonly ask: RouteAsk
  readonly refusal: Refusal | undefined
  readonly isAddressOpen: boolean
}

/** The request of the command line, read and admitted as the relay would do it. @throws CliError where it is none */
export async function readAsk(parts: AskParts, options: AskOptions): Promise<CommandAsk> {
  const { store, snapshot } = parts
  const pathOf = Object.hasOwn(paths, options.dialect) ? paths[options.dialect] : undefined
  if (pathOf === undefined)
    throw new CliError(`--dialect: found ${options.dialect}, allowed: ${explainableDialects.join(', ')}`)
  const body = options.request === undefined ? Buffer.from('{}') : await readFile(options.request)
  const model = readModel(options, membersOf(body))
  const headers = readHeaders(options.header)
  const read = await readRouteAsk({
    path: pathOf(model, options.stream === true),
    body,
    model,
    streams: options.stream === true,
    header: name => headers.get(name) ?? undefined,
    asker: askerOf(store, options),
    snapshot,
    limits,
    now: Date.now(),
  })
  switch (read.kind) {
    case 'ask':
      return read
    case 'unknown-key':
      throw new CliError('--key: there is no such API key: `yumen key list` shows all')
    case 'unreadable':
      throw new CliError(`the request is refused with ${read.refusal.status}: ${read.refusal.message}`)
  }
}

/** The members of the file, only to compare them with other options: what they mean is read from its bytes. */
function membersOf(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8').replace(/^\uFEFF/, ''))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new CliError('--request: the file holds no JSON object')
}

/** Options beside a file say what it leaves open; what contradicts it is refused, since one of the two is an error. */
function readModel({ model, stream, dialect }: AskOptions, sent: Readonly<Record<string, unknown>>): string {
  const inFile = typeof sent['model'] === 'string' ? sent['model'] : undefined
  if (model !== undefined && inFile !== undefined && model !== inFile && dialect !== 'gemini')
    throw new CliError(`--model: found ${model}, but the file of --request asks for ${inFile}: leave one out`)
  if (stream && sent['stream'] === false && dialect !== 'gemini')
    throw new CliError('--stream: the file of --request says "stream": false: leave one out')
  const found = model ?? inFile
  if (found === undefined || found === '')
    throw new CliError('--model: name the model, or give a --request that does')
  return found
}

/** As a server reads them: names in lower case, values of one name joined. */
function readHeaders(lines: readonly string[]): Headers {
  const headers = new Headers()
  for (const line of lines) {
    const colon = line.indexOf(':')
    try {
      if (colon < 1) throw new TypeError('there is no name')
      headers.append(line.slice(0, colon), line.slice(colon + 1))
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw new CliError(`--header: found ${JSON.stringify(line)}, allowed: 'name: value'`, { cause: error })
    }
  }
  return headers
}

function askerOf(store: Store, { key, group, clientIp }: AskOptions) {
  if (key !== undefined) {
    const findKey = async (hash: string) => {
      const row = await findKeyRow(store.query, hash)
      return row && readCallerKey(row)
    }
    return { kind: 'key', shown: key, group, findKey, clientIp } as const
  }
  if (group === undefined) throw new CliError('--key: name the API key that asks, or a --group')
  return { kind: 'group', group } as const
}
