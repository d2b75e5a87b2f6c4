import { expect, test } from 'vitest'
import { createUncommitted, spansOf } from './uncommitted.ts'

const lines = (lastSeq: number, records = 1) => ({
  bytes: Buffer.from(`line ${lastSeq}\n`),
  lastSeq,
  records,
})

test('gives the oldest writes, as many as hold the records, and at least one', () => {
  const queue = createUncommitted()
  for (const seq of [2, 4, 6]) queue.push(lines(seq, 2))
  expect(queue.peek(3).map(({ lastSeq }) => lastSeq)).toEqual([2, 4])
  expect(queue.peek(1).map(({ lastSeq }) => lastSeq)).toEqual([2])
  expect(queue.peek(100).map(({ lastSeq }) => lastSeq)).toEqual([2, 4, 6])
})

test('what is peeked stays until it is dropped, and the sums follow', () => {
  const queue = createUncommitted()
  queue.push(lines(2, 2))
  queue.push(lines(3))
  expect([queue.length, queue.bytes]).toEqual([3, 14])
  queue.drop(queue.peek(1).length)
  expect([queue.length, queue.bytes]).toEqual([1, 7])
  queue.drop(1)
  expect([queue.length, queue.bytes, queue.peek(10)]).toEqual([0, 0, []])
})

test('a write that comes while others are on their way is not dropped with them', () => {
  const queue = createUncommitted()
  queue.push(lines(1))
  const underWay = queue.peek(100)
  queue.push(lines(2))
  queue.drop(underWay.length)
  expect(queue.peek(100).map(({ lastSeq }) => lastSeq)).toEqual([2])
})

test('writes that lie side by side are one piece, without a copy', () => {
  const queue = createUncommitted()
  for (const [index, text] of ['one\n', 'two\n', 'x'.repeat(400_000), 'three\n'].entries())
    queue.push({ bytes: queue.encode(text), lastSeq: index + 1, records: 1 })
  const spans = spansOf(queue.peek(10))
  expect(spans.map(span => span.toString().slice(0, 8))).toEqual(['one\ntwo\n', 'xxxxxxxx', 'three\n'])
  expect(spans[0]?.buffer).toBe(queue.peek(1)[0]?.bytes.buffer)
  expect(spansOf([])).toEqual([])
})
