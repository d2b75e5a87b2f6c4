import { scanObject } from '@yumen/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Issues } from './issues.ts'
import { checkParamOverride } from './overrides.ts'
import { applyParamOverride, ParamOverrideError, parseParamOverride } from './param-override.ts'
import { ReturnedError } from './return-error.ts'

const limits = { jsonDepthMax: 64, topLevelMembersMax: 1_000 }

interface Given {
  readonly override: Readonly<Record<string, unknown>>
  readonly body: string
  readonly client?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly context?: Readonly<Record<string, unknown>>
  readonly changesBody?: boolean
}

function run({ override, body, client = {}, headers = {}, context = {}, changesBody = true }: Given) {
  const issues = new Issues()
  const parsed = parseParamOverride(override, issues)
  if (issues.found.length > 0) throw new Error(JSON.stringify(issues.found))
  const bytes = Buffer.from(body)
  const draft = new Map(Object.entries(headers))
  const object = scanObject(bytes, limits)
  const sources = { client, apiKey: 'sk-up', context: () => context }
  const parts = { bytes, object, headers: draft, changesBody, ...sources }
  const pieces = parsed === undefined ? [bytes] : applyParamOverride(parsed, parts)
  return { text: Buffer.concat(pieces).toString(), headers: Object.fromEntries(draft) }
}

/** The body, as JSON or text, after one operation. */
const after = (operation: object, body: unknown) =>
  JSON.parse(
    run({
      override: { operations: [operation] },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }).text,
  )

/** Others are refused. */
const isExact = (members: object) => checkParamOverride({ ...members }).length === 0

describe('members set flat', () => {
  test('replace or join what is there, byte by byte around them', () => {
    const body = '{ "model":"m" ,\n"seed" : 1,"x":[ 12345678901234567890 , 1.0]}'
    expect(run({ override: { seed: 7, stop: null, 'a.b': 1 }, body }).text).toBe(
      '{ "model":"m" ,\n"seed" : 7,"x":[ 12345678901234567890 , 1.0],"stop":null,"a.b":1}',
    )
  })

  test('mean what assigning them would mean, for any body', () => {
    const names = fc.stringMatching(/^[a-e.*]{1,3}$/)
    const objects = fc.dictionary(names, fc.jsonValue(), { maxKeys: 6 })
    fc.assert(
      fc.property(objects, objects.filter(isExact), fc.nat(2), (body, members, indent) => {
        const { text } = run({ override: members, body: JSON.stringify(body, undefined, indent) })
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify({ ...body, ...members })))
      }),
    )
  })
})

describe('an operation', () => {
  test.each([
    {
      says: 'sets',
      operation: { mode: 'set', path: 'a', value: { b: 1 } },
      body: {},
      gives: { a: { b: 1 } },
    },
    {
      says: 'sets with the parents',
      operation: { mode: 'set', path: 'a.b.1.c', value: 1 },
      body: {},
      gives: { a: { b: [null, { c: 1 }] } },
    },
    {
      says: 'sets null',
      operation: { mode: 'set', path: 'a', value: null },
      body: { a: 1 },
      gives: { a: null },
    },
    {
      says: 'keeps what is there',
      operation: { mode: 'set', path: 'a.b', value: 1, keep_origin: true },
      body: { a: { b: 0 } },
      gives: { a: { b: 0 } },
    },
    {
      says: 'sets where nothing is',
      operation: { mode: 'set', path: 'a', value: 1, keep_origin: true },
      body: {},
      gives: { a: 1 },
    },
    {
      says: 'counts from the end',
      operation: { mode: 'set', path: 'a.-1', value: 9 },
      body: { a: [1, 2] },
      gives: { a: [1, 9] },
    },
    {
      says: 'appends to an empty list by -1',
      operation: { mode: 'set', path: 'a.-1', value: 9 },
      body: { a: [] },
      gives: { a: [9] },
    },
    {
      says: 'makes a list for -1',
      operation: { mode: 'set', path: 'a.-1', value: 9 },
      body: {},
      gives: { a: [9] },
    },
    {
      says: 'takes an escaped dot as it is',
      operation: { mode: 'set', path: 'a\\.b', value: 1 },
      body: {},
      gives: { 'a.b': 1 },
    },
    {
      says: 'takes an escaped star as it is',
      operation: { mode: 'set', path: 'a.\\*', value: 1 },
      body: { a: {} },
      gives: { a: { '*': 1 } },
    },
    {
      says: 'sets in every element',
      operation: { mode: 'set', path: 'm.*.x', value: 1 },
      body: { m: [{}, { x: 0 }, 'text'] },
      gives: { m: [{ x: 1 }, { x: 1 }, 'text'] },
    },
    {
      says: 'sets in every member',
      operation: { mode: 'set', path: 'm.*.*', value: 1 },
      body: { m: { a: { b: 0 }, c: [0, 0], d: 5 } },
      gives: { m: { a: { b: 1 }, c: [1, 1], d: 5 } },
    },
    {
      says: 'skips where nothing fits the star',
      operation: { mode: 'append', path: 'm.*.content', value: 'x' },
      body: { m: 1 },
      gives: { m: 1 },
    },
    { says: 'deletes', operation: { mode: 'delete', path: 'a' }, body: { a: 1, b: 2 }, gives: { b: 2 } },
    {
      says: 'deletes an element from the end',
      operation: { mode: 'delete', path: 'a.-2' },
      body: { a: [1, 2, 3] },
      gives: { a: [1, 3] },
    },
    {
      says: 'deletes all that fit',
      operation: { mode: 'delete', path: 'a.*' },
      body: { a: [1, 2, 3] },
      gives: { a: [] },
    },
    {
      says: 'deletes in every element',
      operation: { mode: 'delete', path: 'm.*.x' },
      body: { m: [{ x: 1, y: 2 }, { y: 3 }] },
      gives: { m: [{ y: 2 }, { y: 3 }] },
    },
    {
      says: 'deletes nothing by an empty path',
      operation: { mode: 'delete', path: '' },
      body: { a: 1 },
      gives: { a: 1 },
    },
    {
      says: 'deletes nothing where nothing is',
      operation: { mode: 'delete', path: 'a.b.c' },
      body: { a: 1 },
      gives: { a: 1 },
    },
    {
      says: 'moves',
      operation: { mode: 'move', from: 'a', to: 'b.c' },
      body: { a: 1 },
      gives: { b: { c: 1 } },
    },
    {
      says: 'moves to where it is',
      operation: { mode: 'move', from: 'a', to: 'a' },
      body: { a: 1 },
      gives: { a: 1 },
    },
    {
      says: 'moves in every element',
      operation: { mode: 'move', from: 'm.*.x', to: 'm.*.y' },
      body: { m: [{ x: 1 }, { x: 2 }] },
      gives: { m: [{ y: 1 }, { y: 2 }] },
    },
    {
      says: 'copies',
      operation: { mode: 'copy', from: 'a', to: 'b' },
      body: { a: [1] },
      gives: { a: [1], b: [1] },
    },
    {
      says: 'prepends to a text',
      operation: { mode: 'prepend', path: 'a', value: 'x' },
      body: { a: 'y' },
      gives: { a: 'xy' },
    },
    {
      says: 'appends to a text',
      operation: { mode: 'append', path: 'a', value: 'x' },
      body: { a: 'y' },
      gives: { a: 'yx' },
    },
    {
      says: 'prepends to a list',
      operation: { mode: 'prepend', path: 'a', value: [1, 2] },
      body: { a: [3] },
      gives: { a: [1, 2, 3] },
    },
    {
      says: 'appends one to a list',
      operation: { mode: 'append', path: 'a', value: { b: 1 } },
      body: { a: [3] },
      gives: { a: [3, { b: 1 }] },
    },
    {
      says: 'merges objects',
      operation: { mode: 'append', path: 'a', value: { b: 1, c: 1 } },
      body: { a: { b: 0 } },
      gives: { a: { b: 1, c: 1 } },
    },
    {
      says: 'merges objects beside what they have',
      operation: { mode: 'append', path: 'a', value: { b: 1, c: 1, d: 1 }, keep_origin: true },
      body: { a: { b: 0, d: null } },
      gives: { a: { b: 0, c: 1, d: 1 } },
    },
    {
      says: 'trims a prefix',
      operation: { mode: 'trim_prefix', path: 'a', value: 'x-' },
      body: { a: 'x-y' },
      gives: { a: 'y' },
    },
    {
      says: 'trims a suffix',
      operation: { mode: 'trim_suffix', path: 'a', value: '-x' },
      body: { a: 'y-x' },
      gives: { a: 'y' },
    },
    {
      says: 'ensures a prefix',
      operation: { mode: 'ensure_prefix', path: 'a', value: 'x-' },
      body: { a: 'y' },
      gives: { a: 'x-y' },
    },
    {
      says: 'ensures a suffix once',
      operation: { mode: 'ensure_suffix', path: 'a', value: '-x' },
      body: { a: 'y-x' },
      gives: { a: 'y-x' },
    },
    {
      says: 'trims space',
      operation: { mode: 'trim_space', path: 'a' },
      body: { a: ' y\n' },
      gives: { a: 'y' },
    },
    { says: 'lowers', operation: { mode: 'to_lower', path: 'a' }, body: { a: 'AbC' }, gives: { a: 'abc' } },
    { says: 'raises', operation: { mode: 'to_upper', path: 'a' }, body: { a: 'AbC' }, gives: { a: 'ABC' } },
    {
      says: 'replaces all',
      operation: { mode: 'replace', path: 'a', from: '.', to: '$&' },
      body: { a: 'x.y.z' },
      gives: { a: 'x$&y$&z' },
    },
    {
      says: 'replaces by a pattern',
      operation: { mode: 'regex_replace', path: 'a', from: '(?P<w>\\w+)-(\\d+)', to: '$2:$' + '{w}$$' },
      body: { a: 'ab-12 cd-3' },
      gives: { a: '12:ab$ 3:cd$' },
    },
    {
      says: 'prunes by type',
      operation: { mode: 'prune_objects', path: 'm', value: 'thinking' },
      body: { m: [{ type: 'thinking' }, { c: [{ type: 'thinking' }, { type: 'text' }] }] },
      gives: { m: [{ c: [{ type: 'text' }] }] },
    },
    {
      says: 'prunes in the whole body',
      operation: { mode: 'prune_objects', value: { where: { a: 1, b: 2 } } },
      body: { x: { a: 1, b: 2 }, y: [{ a: 1 }, { a: 1, b: 2 }] },
      gives: { y: [{ a: 1 }] },
    },
    {
      says: 'prunes at the top alone',
      operation: { mode: 'prune_objects', path: 'm', value: { type: 't', recursive: false } },
      body: { m: [{ type: 't' }, { c: [{ type: 't' }] }] },
      gives: { m: [{ c: [{ type: 't' }] }] },
    },
    {
      says: 'prunes by any of its conditions',
      operation: {
        mode: 'prune_objects',
        path: 'm',
        value: { logic: 'or', conditions: [{ path: 'n', mode: 'gt', value: 3 }], type: 't' },
      },
      body: { m: [{ n: 4 }, { type: 't' }, { n: 1 }] },
      gives: { m: [{ n: 1 }] },
    },
  ])('$says', ({ operation, body, gives }) => {
    expect(after(operation, body)).toEqual(gives)
  })

  test.each([
    { says: 'text where a list is', operation: { mode: 'to_lower', path: 'a' }, body: { a: [1] } },
    { says: 'text where nothing is', operation: { mode: 'ensure_prefix', path: 'b', value: 'x' }, body: {} },
    { says: 'appending to a number', operation: { mode: 'append', path: 'a', value: 'x' }, body: { a: 1 } },
    { says: 'moving nothing', operation: { mode: 'move', from: 'b', to: 'c' }, body: {} },
    { says: 'copying nothing', operation: { mode: 'copy', from: 'b', to: 'c' }, body: {} },
    { says: 'a parent that is a number', operation: { mode: 'set', path: 'a.b', value: 1 }, body: { a: 1 } },
    {
      says: 'a word as the number of an element',
      operation: { mode: 'set', path: 'a.b', value: 1 },
      body: { a: [] },
    },
  ])('cannot do $says, and says which operation it was', ({ operation, body }) => {
    expect(() => after(operation, body)).toThrow(ParamOverrideError)
    expect(() => after(operation, body)).toThrow(`operations[0] (${operation.mode})`)
  })

  test('never says what stood in the body', () => {
    expect(() => after({ mode: 'append', path: 'a.*', value: 1 }, { a: { secret: true } })).toThrow(
      /^(?!.*secret)/,
    )
  })

  test('leaves every member that it does not name, byte by byte, with all digits', () => {
    const body = '{"a":1e400 , "b" :{"n":12345678901234567890,"m":1.0},"c":[ 1 ]}'
    const operations = [{ mode: 'set', path: 'b.x', value: 1 }]
    expect(run({ override: { operations }, body }).text).toBe(
      '{"a":1e400 , "b" :{"n":12345678901234567890,"m":1.0,"x":1},"c":[ 1 ]}',
    )
  })

  test('of any kind leaves the bytes of all other members, and every number of the changed one', () => {
    const numbers = fc
      .tuple(fc.bigInt(), fc.constantFrom('', '.0', '.10', 'e5', 'E-30', '.5e+300'))
      .map(([whole, rest]) => `${whole}${rest}`)
    const members = fc.array(fc.tuple(fc.stringMatching(/^[b-z]{1,3}$/), fc.array(numbers)), { maxLength: 5 })
    fc.assert(
      fc.property(members, fc.array(numbers), fc.constantFrom('', ' ', '\n'), (others, own, space) => {
        const written = others.map(([name, list]) => `"${name}"${space}:[${list.join(`,${space}`)}]`)
        const body = `{${space}${[...written, `"a":{"n":[${own.join(',')}]}`].join(`${space},`)}${space}}`
        const operations = [{ mode: 'set', path: 'a.x', value: 1 }]
        expect(run({ override: { operations }, body }).text).toBe(
          body.replace(`"a":{"n":[${own.join(',')}]}`, `"a":{"n":[${own.join(',')}],"x":1}`),
        )
      }),
    )
  })

  test('takes the last of repeated members and leaves one', () => {
    const operations = [{ mode: 'append', path: 'a', value: '!' }]
    expect(run({ override: { operations }, body: '{"a":"x","b":1,"a":"y"}' }).text).toBe('{"b":1,"a":"y!"}')
  })

  test('sees what those before it did, and changes nothing of the setting', () => {
    const override = {
      metadata: { list: [1] },
      operations: [
        { mode: 'append', path: 'metadata.list', value: 2 },
        { mode: 'delete', path: 'gone' },
        { mode: 'copy', from: 'metadata.list.-1', to: 'last' },
      ],
    }
    const once = run({ override, body: '{"gone":1}' }).text
    expect(JSON.parse(once)).toEqual({ metadata: { list: [1, 2] }, last: 2 })
    expect(run({ override, body: '{"gone":1}' }).text).toBe(once)
  })

  test('returns an error of its own', () => {
    const of = (value: unknown) => {
      try {
        after({ mode: 'return_error', value }, {})
      } catch (error) {
        return error
      }
      return undefined
    }
    expect(of('no')).toBeInstanceOf(ReturnedError)
    expect(of('no')).toMatchObject({
      message: 'no',
      status: 400,
      code: 'invalid_request',
      type: 'invalid_request_error',
      mayMoveOn: false,
    })
    expect(of({ msg: 'x', status: 429, code: 'c', type: 't', skip_retry: false })).toMatchObject({
      message: 'x',
      status: 429,
      code: 'c',
      type: 't',
      mayMoveOn: true,
    })
  })
})

describe('a condition', () => {
  const body = {
    model: 'gpt-5',
    n: 3,
    big: 0,
    on: true,
    none: null,
    list: [{ role: 'user' }, { role: 'tool' }],
  }
  const context = { model: 'ctx', retry: { is_retry: true }, request_headers: { 'user-agent': 'codex/1' } }
  const holds = (conditions: unknown, logic?: string) => {
    const operations = [{ mode: 'set', path: 'hit', value: 1, conditions, ...(logic && { logic }) }]
    return 'hit' in JSON.parse(run({ override: { operations }, body: JSON.stringify(body), context }).text)
  }
  test.each([
    [{ path: 'model', mode: 'full', value: 'gpt-5' }, true],
    [{ path: 'n', mode: 'full', value: '3' }, false],
    [{ path: 'n', mode: 'full', value: 3.0 }, true],
    [{ path: 'none', mode: 'full', value: null }, true],
    [{ path: 'n', mode: 'full', value: null }, false],
    [{ path: 'on', mode: 'full', value: true }, true],
    [{ path: 'model', mode: 'prefix', value: 'gpt' }, true],
    [{ path: 'model', mode: 'suffix', value: '-5' }, true],
    [{ path: 'list', mode: 'contains', value: '"tool"' }, true],
    [{ path: 'n', mode: 'gt', value: 2 }, true],
    [{ path: 'n', mode: 'gt', value: 3 }, false],
    [{ path: 'n', mode: 'gte', value: 3 }, true],
    [{ path: 'n', mode: 'lt', value: 3 }, false],
    [{ path: 'n', mode: 'lte', value: 3 }, true],
    [{ path: 'model', mode: 'gt', value: 1 }, false],
    [{ path: 'model', mode: 'prefix', value: 'gpt', invert: true }, false],
    [{ path: 'model', mode: 'full', value: 'other', invert: true }, true],
    [{ path: 'missing', mode: 'full', value: 1, invert: true }, false],
    [{ path: 'missing', mode: 'full', value: 1, pass_missing_key: true }, true],
    [{ path: 'list.-1.role', mode: 'full', value: 'tool' }, true],
    [{ path: 'list.*.role', mode: 'full', value: 'user' }, true],
    [{ path: 'list.*.role', mode: 'full', value: 'system' }, false],
    [{ path: 'retry.is_retry', mode: 'full', value: true }, true],
    [{ path: 'request_headers.user-agent', mode: 'contains', value: 'codex' }, true],
  ])('%j is %s', (condition, gives) => {
    expect(holds([condition])).toBe(gives)
  })

  test('beside others needs one of them, or all', () => {
    const two = [
      { path: 'n', mode: 'full', value: 3 },
      { path: 'n', mode: 'full', value: 4 },
    ]
    expect([holds(two), holds(two, 'and'), holds([])]).toEqual([true, false, true])
    expect([holds({ n: 3, model: 'x' }), holds({ n: 3, model: 'x' }, 'AND')]).toEqual([true, false])
  })
})

describe('an operation on headers', () => {
  const client = {
    'x-trace': 't',
    'x-forged': '{api_key}',
    authorization: 'Bearer mine',
    cookie: 'c',
    'anthropic-beta': 'a, b ,c',
  }
  const headersAfter = (operation: object, headers = {}) =>
    run({ override: { operations: [operation] }, body: '{"user":"u"}', client, headers }).headers
  test.each([
    { says: 'sets', operation: { mode: 'set_header', path: 'X-A', value: 'v' }, gives: { 'x-a': 'v' } },
    {
      says: 'deletes by a blank',
      operation: { mode: 'set_header', path: 'x-a', value: ' ' },
      headers: { 'x-a': '1' },
      gives: {},
    },
    {
      says: 'keeps what is set',
      operation: { mode: 'set_header', path: 'x-a', value: 'v', keep_origin: true },
      headers: { 'x-a': '1' },
      gives: { 'x-a': '1' },
    },
    {
      says: 'deletes',
      operation: { mode: 'delete_header', path: 'x-a' },
      headers: { 'x-a': '1' },
      gives: {},
    },
    { says: 'copies', operation: { mode: 'copy_header', from: 'x-trace', to: 'x-b' }, gives: { 'x-b': 't' } },
    {
      says: 'moves',
      operation: { mode: 'move_header', from: 'x-a', to: 'x-b' },
      headers: { 'x-a': '1' },
      gives: { 'x-b': '1' },
    },
    {
      says: "puts the channel's key in",
      operation: { mode: 'set_header', path: 'x-a', value: 'Key {api_key}' },
      gives: { 'x-a': 'Key sk-up' },
    },
    {
      says: "takes over a client's header, and looks for nothing in it",
      operation: { mode: 'set_header', path: 'x-a', value: '{client_header:X-Forged}' },
      gives: { 'x-a': '{api_key}' },
    },
    {
      says: 'leaves what is set where the client has no such header',
      operation: { mode: 'set_header', path: 'x-a', value: '{client_header:x-none}' },
      headers: { 'x-a': '1' },
      gives: { 'x-a': '1' },
    },
    {
      says: 'passes on by a text',
      operation: { mode: 'pass_headers', value: 'X-Trace, x-none' },
      gives: { 'x-trace': 't' },
    },
    {
      says: 'passes on by a list',
      operation: { mode: 'pass_headers', value: ['x-trace'] },
      gives: { 'x-trace': 't' },
    },
    {
      says: 'passes on by an object',
      operation: { mode: 'pass_headers', value: { names: '["x-trace"]' } },
      gives: { 'x-trace': 't' },
    },
    {
      says: 'rewrites tokens',
      operation: {
        mode: 'set_header',
        path: 'anthropic-beta',
        value: { a: null, b: ['d', 'c'], $append: 'e' },
      },
      gives: { 'anthropic-beta': 'd, c, e' },
    },
    {
      says: "rewrites a token into the channel's key",
      operation: { mode: 'set_header', path: 'anthropic-beta', value: { a: '{api_key}', '*': null } },
      gives: { 'anthropic-beta': 'sk-up' },
    },
    {
      says: 'rewrites others by the star',
      operation: { mode: 'set_header', path: 'anthropic-beta', value: { a: 'a', '*': null } },
      gives: { 'anthropic-beta': 'a' },
    },
    {
      says: 'keeps declared tokens alone',
      operation: { mode: 'set_header', path: 'anthropic-beta', value: { b: 'b', $keep_only_declared: true } },
      gives: { 'anthropic-beta': 'b' },
    },
    {
      says: 'deletes where no token is left',
      operation: { mode: 'set_header', path: 'anthropic-beta', value: { '*': null } },
      headers: { 'anthropic-beta': 'x' },
      gives: {},
    },
    {
      says: 'brings a member into a header',
      operation: { mode: 'sync_fields', from: 'json:user', to: 'header:x-user' },
      gives: { 'x-user': 'u' },
    },
  ])('$says', ({ operation, headers, gives }) => {
    expect(headersAfter(operation, headers)).toEqual(gives)
  })

  test('brings a header into the body', () => {
    const operations = [{ mode: 'sync_fields', from: 'header:x-trace', to: 'metadata.trace' }]
    expect(run({ override: { operations }, body: '{}', client }).text).toBe('{"metadata":{"trace":"t"}}')
  })

  test('brings a member into another one, as a copy', () => {
    const sync = (to: string) => ({ mode: 'sync_fields', from: 'json:metadata', to })
    const operations = [sync('json:more'), { mode: 'set', path: 'more.a', value: 2 }, sync('metadata.copy')]
    expect(JSON.parse(run({ override: { operations }, body: '{"metadata":{"a":1}}' }).text)).toEqual({
      metadata: { a: 1, copy: { a: 1 } },
      more: { a: 2 },
    })
  })

  test('is done where the body stays as it is', () => {
    const override = {
      temperature: 0,
      operations: [
        { mode: 'set', path: 'a', value: 1 },
        { mode: 'set_header', path: 'x', value: '1' },
      ],
    }
    expect(run({ override, body: '{"z":1}', changesBody: false })).toEqual({
      text: '{"z":1}',
      headers: { x: '1' },
    })
  })
})

describe('what is refused when it is saved', () => {
  const at = (operation: unknown) =>
    checkParamOverride({ operations: [operation] }).map(({ path }) => path.slice(2).join('.'))
  test.each([
    ['a mode that is none', { mode: 'sett', path: 'a', value: 1 }, 'mode'],
    ['no mode', {}, 'mode'],
    ['no path', { mode: 'set', value: 1 }, 'path'],
    ['no value', { mode: 'set', path: 'a' }, 'value'],
    ['an empty segment', { mode: 'set', path: 'a..b', value: 1 }, 'path'],
    ['a query of gjson', { mode: 'delete', path: 'a.#(b==1)' }, 'path'],
    ['half a star', { mode: 'delete', path: 'a.b*' }, 'path'],
    ['a number that fills memory', { mode: 'set', path: 'a.99999999', value: 1 }, 'path'],
    ['stream', { mode: 'set', path: 'stream', value: true }, 'path'],
    ['stream by another case', { mode: 'delete', path: 'Stream' }, 'path'],
    ['stream by a star', { mode: 'set', path: '*', value: 1 }, 'path'],
    ['a move of stream', { mode: 'move', from: 'stream', to: 'b' }, 'from'],
    ['a copy onto stream', { mode: 'copy', from: 'a', to: 'stream' }, 'to'],
    ['stars on one side', { mode: 'copy', from: 'a.*', to: 'b' }, 'to'],
    ['a pattern that is none', { mode: 'regex_replace', path: 'a', from: '(', to: '' }, 'from'],
    ['a pattern that looks around', { mode: 'regex_replace', path: 'a', from: '(?=a)', to: '' }, 'from'],
    [
      'a condition without a path',
      { mode: 'delete', path: 'a', conditions: [{ mode: 'full' }] },
      'conditions.0.path',
    ],
    [
      'a condition of no mode',
      { mode: 'delete', path: 'a', conditions: [{ path: 'a', mode: 'is' }] },
      'conditions.0.mode',
    ],
    ['conditions that are a text', { mode: 'delete', path: 'a', conditions: 'x' }, 'conditions'],
    ['a logic that is none', { mode: 'delete', path: 'a', logic: 'XOR' }, 'logic'],
    ['a credential to pass on', { mode: 'pass_headers', value: 'authorization' }, 'value'],
    ['a forwarding header to pass on', { mode: 'pass_headers', value: ['X-Forwarded-For'] }, 'value'],
    ['a credential to copy', { mode: 'copy_header', from: 'Authorization', to: 'x-b' }, 'from'],
    ['a cookie to move', { mode: 'move_header', from: 'cookie', to: 'x-b' }, 'from'],
    [
      'a value with a credential of the client',
      { mode: 'set_header', path: 'x', value: '{client_header:cookie}' },
      'value',
    ],
    ['a length to set', { mode: 'set_header', path: 'content-length', value: '1' }, 'path'],
    ['a header of two lines', { mode: 'set_header', path: 'x', value: 'a\nb: c' }, 'value'],
    ['a header that is no name', { mode: 'set_header', path: 'x y', value: 'a' }, 'path'],
    ['a success as an error', { mode: 'return_error', value: { message: 'm', status_code: 200 } }, 'value'],
    ['an error without words', { mode: 'return_error', value: {} }, 'value'],
    ['pruning without a condition', { mode: 'prune_objects', value: {} }, 'value'],
    ['no operation', 'set', ''],
  ])('%s', (_, operation, path) => {
    expect(at(operation)).toEqual([path])
  })

  test('operations that are no list, stream, and numbers that lost digits', () => {
    const paths = (override: Readonly<Record<string, unknown>>) =>
      checkParamOverride(override).map(({ path }) => path)
    expect(paths({ operations: {} })).toEqual([['operations']])
    expect(paths({ stream: true })).toEqual([['stream']])
    expect(paths({ a: [1, 2 ** 60] })).toEqual([['a', 1]])
  })
})
