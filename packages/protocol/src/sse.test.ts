import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSseSplitter } from './sse.ts'

function split(chunks: readonly Buffer[]) {
  const splitter = createSseSplitter(1_000_000)
  const events: { data: string; event: string }[] = []
  const bytes: Buffer[] = []
  for (const chunk of chunks) {
    splitter.push(chunk)
    while (splitter.next()) {
      events.push({ data: splitter.data, event: splitter.event })
      bytes.push(Buffer.from(splitter.bytes))
    }
  }
  return { events, bytes: Buffer.concat([...bytes, splitter.rest]), rest: splitter.rest.toString() }
}

const stream = (newline: string) =>
  [
    'event: a',
    'data: {"x":"é😀"}',
    '',
    ': comment',
    '',
    'data:one',
    'data: two',
    'data',
    '',
    'data: [DONE]',
    '',
    'half',
  ].join(newline)

describe('server-sent events', () => {
  const expected = [
    { event: 'a', data: '{"x":"é😀"}' },
    { event: '', data: '' },
    { event: '', data: 'one\ntwo\n' },
    { event: '', data: '[DONE]' },
  ]

  test.each(['\n', '\r\n', '\r'])('are found with line ends %j', newline => {
    const found = split([Buffer.from(stream(newline))])
    expect(found.events).toEqual(expected)
    expect(found.rest.trim()).toBe('half')
  })

  test('are the same for any cutting of the bytes, and no byte is lost', () => {
    fc.assert(
      fc.property(fc.constantFrom('\n', '\r\n', '\r'), fc.array(fc.nat(120)), (newline, cuts) => {
        const bytes = Buffer.from(stream(newline))
        const places = [...new Set([0, ...cuts.map(cut => cut % bytes.length), bytes.length])].sort(
          (one, other) => one - other,
        )
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end))
        const found = split(chunks)
        expect(found.events).toEqual(expected)
        expect(found.bytes.equals(bytes)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test('are cut at every single byte alike', () => {
    const bytes = Buffer.from(stream('\r\n'))
    expect(split([...bytes].map(byte => Buffer.from([byte]))).events).toEqual(expected)
  })

  test('end as soon as the blank line is there, also one that ends in CR', () => {
    expect(split([Buffer.from('data: 1\r\r')]).events).toEqual([{ event: '', data: '1' }])
    expect(
      split([Buffer.from('data: 1\r\n\r'), Buffer.from('\ndata: 2\r\n\r\n')]).events.map(event => event.data),
    ).toEqual(['1', '2'])
  })

  test('may begin with a byte order mark', () => {
    expect(split([Buffer.from('\uFEFFdata: 1\n\n')]).events).toEqual([{ event: '', data: '1' }])
  })

  test('that never end are refused at the limit', () => {
    const splitter = createSseSplitter(100)
    splitter.push(Buffer.alloc(80, 'x'))
    splitter.next()
    expect(() => splitter.push(Buffer.alloc(80, 'x'))).toThrow('larger than 100 bytes')
  })
})
