import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type Dialect, type DialectName, dialects } from '@yumen/protocol'
import { describe, expect, test } from 'vitest'
import { resolveBaseUrl } from './base-url.ts'
import { catalogue } from './catalogue.ts'
import { endpointUrl } from './endpoint-url.ts'
import type { Ask, MemberEdit, Operation, Provider } from './provider.ts'

/** `ask.json`: the attempt as the relay sees it, its base URL as the channel has it. */
interface AskFile {
  readonly dialect: DialectName
  readonly operation: Operation
  readonly model: string
  readonly isStreaming?: boolean
  readonly baseUrl?: string
  readonly settings?: Record<string, unknown>
  readonly query?: string
  readonly key: string
  readonly headers?: Record<string, string>
}
/** `upstream-error.json`: a refusal, and the class that the dialect must make of it. */
interface ErrorFile {
  readonly status: number
  readonly body: unknown
  readonly class: string
}
type Body = Record<string, unknown>

const root = new URL('../fixtures/', import.meta.url)
const isUpdating = process.env.FIXTURES === 'update'
const built = catalogue.filter(provider => provider.unavailable === undefined)

test.each(built)('$id has fixtures', ({ id }) => {
  expect(casesOf(id)).not.toEqual([])
})

describe.each(built.flatMap(provider => casesOf(provider.id).map(name => ({ provider, name }))))(
  '$provider.id $name',
  ({ provider, name }) => {
    const folder = new URL(`${provider.id}/${name}/`, root)
    const asked = read<AskFile>(folder, 'ask.json')
    const dialect = dialects[asked.dialect]

    test('becomes the request that the upstream documents', () => {
      const request = buildRequest(provider, asked, read<Body>(folder, 'client-request.json'))
      if (isUpdating) write(folder, 'upstream-request.json', request)
      expect(request).toEqual(read(folder, 'upstream-request.json'))
      expect(readText(folder, 'source.txt').trim()).not.toBe('')
    })

    if (has(folder, 'usage.json')) {
      test('reports the usage that is charged', () => {
        expect(readUsage(folder, dialect)).toMatchObject(read<Body>(folder, 'usage.json'))
      })
    }

    if (has(folder, 'upstream-error.json')) {
      test('is refused for a reason that is understood', () => {
        const { status, body, class: expected } = read<ErrorFile>(folder, 'upstream-error.json')
        expect(dialect.parseError(status, body).class).toBe(expected)
      })
    }
  },
)

/** What the relay does for passthrough, over parsed bodies instead of bytes. */
function buildRequest(provider: Provider, asked: AskFile, body: Body) {
  const ask: Ask = {
    dialect: asked.dialect,
    operation: asked.operation,
    model: asked.model,
    isStreaming: asked.isStreaming ?? false,
    baseUrl: resolveBaseUrl(provider, asked.baseUrl) ?? '',
    settings: asked.settings ?? {},
    query: new URLSearchParams(asked.query ?? ''),
  }
  const client = (name: string) => asked.headers?.[name]
  const headers = [...provider.auth(asked.key, ask), ...(provider.headers?.(ask, client) ?? [])]
  const mapped =
    asked.dialect === 'gemini' ? nameResource(body, `models/${asked.model}`) : nameModel(body, asked.model)
  return {
    method: 'POST',
    url: endpointUrl(provider, ask),
    headers: Object.fromEntries(pairs(headers)),
    body: applyMemberEdits(mapped, provider.edits?.(ask) ?? {}),
  }
}

function nameModel(body: Body, model: string): Body {
  return 'model' in body ? { ...body, model } : body
}

/** Gemini's bodies repeat the model of the address, some of them in requests within. */
function nameResource(body: Body, resource: string): Body {
  const named = nameModel(body, resource)
  const { requests, generateContentRequest: nested } = named
  return {
    ...named,
    ...(Array.isArray(requests) && {
      requests: requests.map(request => nameModel(request as Body, resource)),
    }),
    ...(nested !== undefined && { generateContentRequest: nameModel(nested as Body, resource) }),
  }
}

function applyMemberEdits(body: Body, edits: Readonly<Record<string, (value: unknown) => MemberEdit>>): Body {
  const edited: Body = {}
  for (const [name, value] of Object.entries(body)) {
    const edit = edits[name]?.(value) ?? { kind: 'keep' }
    if (edit.kind === 'keep') edited[name] = value
    if (edit.kind === 'set') edited[name] = edit.value
    if (edit.kind !== 'spread') continue
    for (const [inner, own] of Object.entries(value as Body)) if (!(inner in body)) edited[inner] = own
  }
  return edited
}

function readUsage(folder: URL, dialect: Dialect): unknown {
  if (has(folder, 'upstream.sse')) return readStream(folder, dialect)
  return dialect.parseUsage(read<Body>(folder, 'upstream-answer.json')[dialect.usageKey])
}

function readStream(folder: URL, dialect: Dialect): unknown {
  const tap = dialect.tap(1)
  for (const event of readText(folder, 'upstream.sse').split('\n\n')) {
    const data = event.match(/^data: ?(.*)$/m)?.[1]
    if (data !== undefined) tap.read(data, event.match(/^event: ?(.*)$/m)?.[1] ?? '')
  }
  expect(tap.isFinished).toBe(true)
  return tap.usage
}

function pairs(flat: readonly string[]): [string, string][] {
  const found: [string, string][] = []
  for (let at = 0; at < flat.length; at += 2) found.push([flat[at] ?? '', flat[at + 1] ?? ''])
  return found
}

function casesOf(id: string): string[] {
  const folder = new URL(`${id}/`, root)
  return existsSync(folder) ? readdirSync(folder) : []
}

const has = (folder: URL, name: string) => existsSync(new URL(name, folder))
const readText = (folder: URL, name: string) => readFileSync(new URL(name, folder), 'utf8')
const read = <Content>(folder: URL, name: string) => JSON.parse(readText(folder, name)) as Content
const write = (folder: URL, name: string, content: unknown) =>
  writeFileSync(new URL(name, folder), `${JSON.stringify(content, undefined, 2)}\n`)
