import type { DialectName } from '@yumen/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GatewayError } from './gateway-error.ts'
import { foldName } from './incoming/governing.ts'
import { route } from './route.ts'
import { scan } from './scan.ts'

const limits = { jsonDepthMax: 64, topLevelMembersMax: 100 }
const addresses: Readonly<Record<DialectName, string>> = {
  'openai-chat': '/v1/chat/completions',
  'openai-responses': '/v1/responses',
  anthropic: '/v1/messages',
  gemini: '/v1beta/models/gemini-x:generateContent',
}

function targetOf(dialect: DialectName) {
  const found = route('POST', addresses[dialect], () => undefined)
  if (found.kind !== 'relay') throw new Error('no target')
  return found.target
}
const scanText = (text: string, dialect: DialectName = 'openai-chat') =>
  scan(Buffer.from(text), targetOf(dialect), limits)

describe('the scan of a request body', () => {
  test('reads what decides price, rights and route', () => {
    const body =
      '{"messages":[{"content":"x"}],"model":"gpt","stream":true,"n":2,"max_tokens":10,"max_completion_tokens":1e2}'
    expect(scanText(body)).toMatchObject({ model: 'gpt', isStreaming: true, choices: 2, outputLimit: 100 })
  })

  test("reads Gemini's nested limits in both spellings, and the model of the path", () => {
    const camel = '{"contents":[],"generationConfig":{"maxOutputTokens":7,"candidateCount":3}}'
    const snake = '{"contents":[],"generation_config":{"max_output_tokens":7,"candidate_count":3}}'
    for (const body of [camel, snake]) {
      expect(scanText(body, 'gemini')).toMatchObject({
        model: 'gemini-x',
        outputLimit: 7,
        choices: 3,
        isStreaming: false,
      })
    }
  })

  test.each([
    { says: 'a governing key given twice', body: '{"model":"cheap","model":"dear"}', found: 'given twice' },
    {
      says: 'an escaped second spelling',
      body: '{"model":"cheap","mod\\u0065l":"dear"}',
      found: 'given twice',
    },
    { says: 'another case', body: '{"Model":"dear"}', found: 'misspelt' },
    {
      says: 'another case beside the right one',
      body: '{"model":"cheap","MODEL":"dear"}',
      found: 'misspelt',
    },
    { says: 'the long s', body: '{"model":"m","\u017ftream":true}', found: 'misspelt' },
    { says: 'the Kelvin sign', body: '{"model":"m","max_to\u212aens":1}', found: 'misspelt' },
    { says: 'a string where a number belongs', body: '{"model":"m","n":"2"}', found: 'must be a number' },
    { says: 'a model that is no string', body: '{"model":["m"]}', found: 'must be a string' },
    { says: 'no model', body: '{"messages":[]}', found: 'must provide a model' },
    { says: 'a second value', body: '{"model":"m"}{"model":"n"}', found: 'at byte 13' },
    { says: 'broken JSON, with the place', body: '{"model":"m",,}', found: 'at byte 13' },
  ])('refuses $says', ({ body, found }) => {
    expect(() => scanText(body)).toThrow(found)
  })

  test('refuses both spellings of one Gemini field, and a body that names another model', () => {
    expect(() => scanText('{"generationConfig":{},"generation_config":{}}', 'gemini')).toThrow('given twice')
    expect(() => scanText('{"model":"models/other"}', 'gemini')).toThrow('is not the address')
    expect(scanText('{"model":"models/gemini-x"}', 'gemini').model).toBe('gemini-x')
  })

  test('refuses bytes that are not UTF-8', () => {
    expect(() => scan(Buffer.from([0x7b, 0xff, 0x7d]), targetOf('openai-chat'), limits)).toThrow(
      'not valid UTF-8',
    )
  })

  test('cuts off a byte order mark', () => {
    const facts = scanText('\uFEFF{"model":"m"}')
    expect([facts.model, facts.body.toString()]).toEqual(['m', '{"model":"m"}'])
  })

  test('treats null as absent', () => {
    expect(scanText('{"model":"m","stream":null,"n":null}')).toMatchObject({
      isStreaming: false,
      choices: 1,
      outputLimit: undefined,
    })
  })
})

/** A reader that folds case and takes the last of equal keys, as the loosest upstreams do. */
function looseReader(text: string): Map<string, unknown> {
  return new Map(Object.entries(JSON.parse(text)).map(([name, value]) => [foldName(name), value]))
}

const spellings = [
  'model',
  'Model',
  'mod\\u0065l',
  'stream',
  '\u017ftream',
  'n',
  'N',
  'max_tokens',
  'max_to\u212aens',
  'max_completion_tokens',
  'x',
  'messages',
]
const bodies = fc
  .array(fc.tuple(fc.constantFrom(...spellings), fc.jsonValue({ maxDepth: 1 })), { maxLength: 6 })
  .map(
    entries =>
      `{${[['model', 'm'] as const, ...entries].map(([name, value]) => `"${name}":${JSON.stringify(value)}`).join(',')}}`,
  )

describe('for any text', () => {
  test('the governing values are those of JSON.parse and of the loosest reader, or the answer is 400', () => {
    fc.assert(
      fc.property(fc.oneof(bodies, mutations()), text => {
        let facts: ReturnType<typeof scan>
        try {
          facts = scanText(text)
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError)
          return
        }
        const loose = tryLoose(text)
        if (loose === undefined) return
        expect(facts.model).toBe(loose.get('model'))
        expect(facts.isStreaming).toBe(loose.get('stream') === true)
        expect(facts.choices).toBe(loose.get('n') ?? 1)
        const allowed = [loose.get('max_tokens'), loose.get('max_completion_tokens')].filter(
          value => typeof value === 'number',
        )
        expect(facts.outputLimit).toBe(allowed.length === 0 ? undefined : Math.max(...allowed))
      }),
      { numRuns: 20_000 },
    )
  })
})

function mutations() {
  return fc
    .tuple(
      bodies,
      fc.nat(),
      fc.constantFrom('"', '\\', '{', '}', ',', ':', ' ', '\u0000', '\uFEFF', '1'),
      fc.nat(2),
    )
    .map(([text, at, insert, cut]) => {
      const place = at % (text.length + 1)
      return text.slice(0, place) + insert + text.slice(place + cut)
    })
}

function tryLoose(text: string): Map<string, unknown> | undefined {
  try {
    return looseReader(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
