import { findProvider } from '@yumen/providers'
import { describe, expect, test } from 'vitest'
import { route } from '../route.ts'
import { scan } from '../scan.ts'
import { buildUpstreamBody } from './upstream-body.ts'

const limits = { jsonDepthMax: 64, topLevelMembersMax: 100 }

interface Case {
  readonly body: string
  readonly address?: string
  readonly provider?: string
  readonly upstreamModel?: string
  readonly settings?: Readonly<Record<string, unknown>>
}

/** What goes upstream for `body`, with what the relay keeps of it. */
function build({
  body,
  address = '/v1/chat/completions',
  provider = 'openai',
  upstreamModel = 'm',
  settings = {},
}: Case) {
  const found = route('POST', address, () => undefined)
  const kind = findProvider(provider)
  if (found.kind !== 'relay' || kind === undefined) throw new Error('no such case')
  const facts = scan(Buffer.from(body), found.target, limits)
  const ask = {
    dialect: found.target.dialect,
    operation: found.target.operation,
    model: upstreamModel,
    isStreaming: facts.isStreaming,
    baseUrl: kind.baseUrl ?? '',
    settings,
    query: new URLSearchParams(),
  }
  const channel = { provider: kind, settings } as never // decoding: only what the builder reads of a channel
  const built = buildUpstreamBody(
    facts,
    found.target,
    { candidate: { channel, key: {} as never, upstreamModel, group: 'default' }, ask, mayAskUsage: true },
    limits,
  )
  return { text: Buffer.concat(built.pieces).toString(), ...built }
}

describe('a body on its way upstream', () => {
  test('stays byte for byte where nothing has to change', () => {
    const body = '{ "model":"m" ,\n"messages" : [ ], "unknown":{"a":12345678901234567890}}'
    expect(build({ body }).text).toBe(body)
  })

  test('has the model written by us, whatever bytes the client used', () => {
    expect(build({ body: '{"model":"a","x":1}', upstreamModel: 'b' }).text).toBe('{"model":"b","x":1}')
    expect(build({ body: '{"mod\\u0065l":"m","x":1}' }).text).toBe('{"model":"m","x":1}')
    expect(build({ body: '{"model":"\\u006d","x":1}' }).text).toBe('{"model":"m","x":1}')
  })

  test('asks for the usage of a stream, and remembers whether the client did', () => {
    const silent = build({ body: '{"model":"m","stream":true}' })
    expect([silent.text, silent.hidesUsage]).toEqual([
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
      true,
    ])
    const asked = build({ body: '{"model":"m","stream":true,"stream_options":{"include_usage":true}}' })
    expect([asked.text, asked.hidesUsage]).toEqual([
      '{"model":"m","stream":true,"stream_options":{"include_usage":true}}',
      false,
    ])
    const refused = build({
      body: '{"model":"m","stream":true,"stream_options":{"include_usage":false,"x":1}}',
    })
    expect([refused.text, refused.hidesUsage]).toEqual([
      '{"model":"m","stream":true,"stream_options":{"include_usage":true,"x":1}}',
      true,
    ])
    expect(build({ body: '{"model":"m","stream":true,"stream_options":null}' }).hidesUsage).toBe(true)
    expect(build({ body: '{"model":"m"}' }).text).toBe('{"model":"m"}')
  })

  test('loses what the channel does not pass on, and says so', () => {
    const body = '{"service_tier":"flex","model":"m","store":true,"safety_identifier":"u"}'
    expect(build({ body })).toMatchObject({
      text: '{"model":"m","store":true}',
      removed: ['service_tier', 'safety_identifier'],
    })
    const settings = { allow_service_tier: true, allow_safety_identifier: true, disable_store: true }
    expect(build({ body, settings }).text).toBe('{"service_tier":"flex","model":"m","safety_identifier":"u"}')
  })

  test("gets the provider's own edits: Bailian takes extra_body apart, but nothing that governs comes in by it", () => {
    const body =
      '{"model":"m","extra_body":{"enable_thinking":true,"model":"dear","N":9,"max_tokens":1,"top_k":1},"top_k":5,"top_p":1.5}'
    expect(JSON.parse(build({ body, provider: 'ali' }).text)).toEqual({
      model: 'm',
      enable_thinking: true,
      top_k: 5,
      top_p: 1,
    })
    expect(build({ body: '{"model":"m","extra_body":{"model":"dear"}}', provider: 'ali' }).text).toBe(
      '{"model":"m"}',
    )
  })

  test.each(['messages', 'Prompt', 'input', 'contents', 'system', 'instructions'])(
    'is refused where extra_body holds %s: the prompt is what was counted and searched',
    name => {
      const body = JSON.stringify({ model: 'm', extra_body: { top_k: 1, [name]: 'x' } })
      expect(() => build({ body, provider: 'ali' })).toThrow(
        expect.objectContaining({ class: 'invalid_request', param: `extra_body.${name}` }),
      )
      expect(build({ body, provider: 'openai' }).text).toBe(body)
    },
  )

  test('never gets by extra_body what the relay writes or withholds', () => {
    const extra = {
      stream: false,
      tools: [],
      stream_options: {},
      safety_identifier: 'u',
      speed: 'fast',
      Top_P: 9,
    }
    const body = JSON.stringify({ model: 'm', stream: true, top_p: 1, extra_body: extra })
    expect(JSON.parse(build({ body, provider: 'ali' }).text)).toEqual({
      model: 'm',
      stream: true,
      top_p: 1,
      stream_options: { include_usage: true },
    })
  })

  test("names Gemini's model wherever a body repeats it, and refuses another one", () => {
    const address = '/v1beta/models/e:batchEmbedContents'
    const of = (body: string) => build({ body, address, provider: 'gemini', upstreamModel: 'f' }).text
    expect(of('{"requests":[{"model":"models/e","content":{}},{"content":{}}]}')).toBe(
      '{"requests":[{"model":"models/f","content":{}},{"content":{}}]}',
    )
    expect(() => of('{"requests":[{"model":"models/other"}]}')).toThrow('not the one in the address')
  })

  test('gets the default model of moderations where the client names none', () => {
    const built = build({ body: '{"input":"x"}', address: '/v1/moderations', upstreamModel: 'omni' })
    expect(built.text).toBe('{"input":"x","model":"omni"}')
  })
})
