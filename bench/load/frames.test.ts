import { expect, test } from 'vitest'
import { createFrameCounter } from './frames.ts'

const stream = ': ping\n\ndata: {"a":"@17@"}\n\n: ping\n\ndata: {"a":"b"}\n\ndata: [DONE]\n\n'

test('frames are counted however they are cut; pings are not', () => {
  for (let size = 1; size <= stream.length; size++) {
    const counter = createFrameCounter(undefined)
    for (let at = 0; at < stream.length; at += size) counter.push(Buffer.from(stream.slice(at, at + size)))
    expect(counter.frames).toBe(3)
    expect(counter.isDone()).toBe(true)
  }
})

test('a stream that was cut off is not done', () => {
  const counter = createFrameCounter(undefined)
  counter.push(Buffer.from('data: {"a":"b"}\n\ndata: [DO'))
  expect(counter.frames).toBe(1)
  expect(counter.isDone()).toBe(false)
})

test('stamps are read', () => {
  const stamps: number[] = []
  createFrameCounter(stamp => stamps.push(stamp)).push(Buffer.from(stream))
  expect(stamps).toEqual([17])
})
