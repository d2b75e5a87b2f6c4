import { expect, test } from 'vitest'
import { createResponseParser } from './response-parser.ts'

const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: x\r\n\r\nhello'
const chunked =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabc\n\nd\r\n1a;x=y\r\n0123456789abcdefghijklmnop\r\n0\r\nA: b\r\n\r\n'
const empty = 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n'
const early = 'HTTP/1.1 100 Continue\r\n\r\n'

function read(pieces: readonly Buffer[]): readonly string[] {
  const answers: string[] = []
  let answer = ''
  const parser = createResponseParser({
    onHead: status => {
      answer = `${status}:`
    },
    onBody: piece => {
      answer += piece.toString()
    },
    onEnd: () => answers.push(answer),
  })
  for (const piece of pieces) parser.push(piece)
  return answers
}

test('any cutting of the bytes gives the same answers', () => {
  const bytes = Buffer.from(early + whole + chunked + empty + whole)
  const expected = ['200:hello', '200:abc\n\nd0123456789abcdefghijklmnop', '503:', '200:hello']
  expect(read([bytes])).toEqual(expected)
  for (let size = 1; size < bytes.length; size++) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    )
    expect(read(pieces)).toEqual(expected)
  }
})

test('what is no HTTP is refused', () => {
  expect(() => read([Buffer.from('SSH-2.0-x\r\n\r\n')])).toThrow('not an answer')
})
