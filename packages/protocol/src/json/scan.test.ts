import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addMembers, applyEdits, removeMembers, setMember } from './edit.ts'
import { ScanError, scanArray, scanObject } from './scan.ts'

const limits = { jsonDepthMax: 64, topLevelMembersMax: 100 }
const scan = (text: string) => scanObject(Buffer.from(text), limits)
const edited = (text: string, make: (object: ReturnType<typeof scan>) => Parameters<typeof applyEdits>[1]) =>
  Buffer.concat(applyEdits(Buffer.from(text), make(scan(text)))).toString()

describe('the scan of an object', () => {
  test('finds each member with its place, whatever its value holds', () => {
    const text = '{"a": 1, "b":{"c":"}\\"]"}, "d":["{",[]],"e":"x\\\\"}'
    const found = scan(text).members.map(member => [
      member.name,
      text.slice(member.valueStart, member.valueEnd),
    ])
    expect(found).toEqual([
      ['a', '1'],
      ['b', '{"c":"}\\"]"}'],
      ['d', '["{",[]]'],
      ['e', '"x\\\\"'],
    ])
  })

  test('decodes an escaped key and says that it was escaped', () => {
    expect(scan('{"mod\\u0065l":1}').members[0]).toMatchObject({ name: 'model', isEscaped: true })
  })

  test.each([
    ['', 'ends'],
    ['[1]', 'an object'],
    ['{"a":1', '"," or "}"'],
    ['{"a":}', 'a value'],
    ['{"a":1,}', 'a member name'],
    ['{"a" 1}', '":"'],
    ['{"a":"x}', 'does not end'],
    ['{"a":[1}}', 'the other bracket'],
    ['{"a":1} {"a":2}', 'nothing after'],
    ['{a:1}', 'a member name'],
    [`{"a":${'['.repeat(70)}`, 'nested deeper'],
    ['{"a":tru"b":1}', '"," or "}"'],
    ['{"\\q":1}', 'invalid escape'],
  ])('refuses %j', (text, says) => {
    expect(() => scan(text)).toThrow(says)
  })

  test('finds what JSON.parse finds, for any object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        const bytes = Buffer.from(text)
        const found = scanObject(bytes, { jsonDepthMax: 1_000, topLevelMembersMax: 1_000 }).members.map(
          member => [member.name, JSON.parse(bytes.toString('utf8', member.valueStart, member.valueEnd))],
        )
        expect(found).toEqual(Object.entries(JSON.parse(text)))
      }),
    )
  })

  test('of any text gives members, or a ScanError, and never anything else', () => {
    const texts = fc.oneof(fc.string(), fc.stringMatching(/^[{}[\]",:\\a1 \n]{0,40}$/), mutated())
    fc.assert(
      fc.property(texts, text => {
        try {
          scan(text)
        } catch (error) {
          expect(error).toBeInstanceOf(ScanError)
          return
        }
        const parsed = parse(text)
        if (parsed !== undefined)
          expect(Object.keys(parsed).sort()).toEqual(
            [...new Set(scan(text).members.map(({ name }) => name))].sort(),
          )
      }),
      { numRuns: 5_000 },
    )
  })

  test('accepts what JSON.parse accepts', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 }), { maxKeys: 50 }), value => {
        expect(() => scan(JSON.stringify(value))).not.toThrow()
      }),
    )
  })
})

test('the elements of an array are found', () => {
  const text = ' [1, {"a":[2]} , "]" ]'
  const bytes = Buffer.from(text)
  expect(
    [...scanArray(bytes, limits, { start: 0, end: bytes.length })].map(({ start, end }) =>
      text.slice(start, end),
    ),
  ).toEqual(['1', '{"a":[2]}', '"]"'])
})

describe('edits', () => {
  const text = '{"a": 1 ,\n "b":2,"c" :3}'

  test('set a value and leave every other byte', () => {
    expect(edited(text, ({ members }) => members.slice(1, 2).map(member => setMember(member, 'new')))).toBe(
      '{"a": 1 ,\n "b":"new","c" :3}',
    )
  })

  test.each([
    [['a'], '{"b":2,"c" :3}'],
    [['b'], '{"a": 1,"c" :3}'],
    [['c'], '{"a": 1 ,\n "b":2}'],
    [['a', 'b'], '{"c" :3}'],
    [['b', 'c'], '{"a": 1}'],
    [['a', 'c'], '{"b":2}'],
    [['a', 'b', 'c'], '{}'],
  ])('remove %j with the commas that separate nothing any more', (names, left) => {
    expect(edited(text, object => removeMembers(object, member => names.includes(member.name)))).toBe(left)
  })

  test('add members behind the last', () => {
    expect(edited(text, object => [addMembers(object, { d: [4] })])).toBe('{"a": 1 ,\n "b":2,"c" :3,"d":[4]}')
    expect(edited('{ }', object => [addMembers(object, { d: 4 })])).toBe('{ "d":4}')
  })

  test('of any kind leave valid JSON with exactly what was asked', () => {
    const objects = fc.dictionary(fc.stringMatching(/^[a-f]{1,2}$/), fc.jsonValue(), { minKeys: 1 })
    fc.assert(
      fc.property(
        objects,
        fc.uniqueArray(fc.stringMatching(/^[a-f]{1,2}$/)),
        fc.jsonValue(),
        (value, removed, added) => {
          const result = edited(JSON.stringify(value), object =>
            [
              ...removeMembers(object, member => removed.includes(member.name)),
              addMembers(object, { zz: added }),
            ].filter(() => object.members.some(member => !removed.includes(member.name))),
          )
          const kept = Object.entries(value).filter(([name]) => !removed.includes(name))
          const expected = kept.length === 0 ? value : { ...Object.fromEntries(kept), zz: added }
          expect(JSON.parse(result)).toEqual(JSON.parse(JSON.stringify(expected)))
        },
      ),
    )
  })
})

function mutated() {
  return fc
    .tuple(
      fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 })),
      fc.nat(),
      fc.constantFrom('"', '\\', '{', '}', '', ',', '\u017f'),
    )
    .map(([value, at, insert]) => {
      const text = JSON.stringify(value)
      const place = at % text.length
      return text.slice(0, place) + insert + text.slice(place + (at % 2))
    })
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
