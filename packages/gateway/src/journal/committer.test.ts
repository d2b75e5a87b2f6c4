import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Batch, type BatchStore, createCommitter, NodeLostError } from './committer.ts'
import { encodeLine } from './segment.ts'
import { createUncommitted } from './uncommitted.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

type Answer = 'committed' | 'stale' | Error | Promise<'committed'>

/** A committer over a store that answers as told, then commits everything. */
function setUp({ answers = [], mark }: { answers?: readonly Answer[]; mark?: number } = {}) {
  const clock = () => Date.now()
  const uncommitted = createUncommitted()
  const batches: Batch[] = []
  const failures: unknown[] = []
  const marks: number[] = []
  const steps: string[] = []
  const asides: number[] = []
  const left = [...answers]
  const store: BatchStore = {
    async commitBatch(batch) {
      batches.push(batch)
      const answer = await (left.shift() ?? 'committed')
      if (answer instanceof Error) throw answer
      return answer
    },
    markOf: async () => mark,
  }
  const committer = createCommitter({
    node: 'node',
    uncommitted,
    store,
    clock,
    limits: { commitIntervalMs: 200, commitRecordsMax: 10 },
    onCommitted: committed => marks.push(committed),
    onSetAside: (aside: { line: { seq: number } }) => asides.push(aside.line.seq),
    onFailure: error => failures.push(error),
    crashPoint: step => steps.push(step),
  })
  const push = (lastSeq: number, records = 1) =>
    uncommitted.push({ bytes: Buffer.from(`${lastSeq};`), lastSeq, records })
  const ranges = () =>
    batches.map(({ markBefore, markAfter, records }) => [
      markBefore,
      markAfter,
      String(Buffer.concat(records)),
    ])
  return { committer, uncommitted, push, ranges, failures, marks, steps, asides }
}

test('commits what waits, in order, from the last mark on', async () => {
  const { push, ranges, marks, uncommitted, steps } = setUp()
  push(1)
  push(3, 2)
  await vi.advanceTimersByTimeAsync(200)
  push(4)
  await vi.advanceTimersByTimeAsync(200)
  expect(ranges()).toEqual([
    [0, 3, '1;3;'],
    [3, 4, '4;'],
  ])
  expect(marks).toEqual([3, 4])
  expect(uncommitted.length).toBe(0)
  expect(steps).toEqual(['before-commit', 'after-commit', 'before-commit', 'after-commit'])
})

test('one batch is under way at a time, and what comes meanwhile goes with the next', async () => {
  const { promise, resolve } = Promise.withResolvers<'committed'>()
  const { push, ranges, uncommitted } = setUp({ answers: [promise] })
  push(1)
  await vi.advanceTimersByTimeAsync(200)
  push(2)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(ranges()).toEqual([[0, 1, '1;']])
  resolve('committed')
  await vi.advanceTimersByTimeAsync(200)
  expect(ranges()).toEqual([
    [0, 1, '1;'],
    [1, 2, '2;'],
  ])
  expect(uncommitted.length).toBe(0)
})

test('a batch that fails is told and tried again, and nothing overtakes it', async () => {
  const { push, ranges, failures, marks } = setUp({ answers: [new Error('away'), new Error('away')] })
  push(1)
  await vi.advanceTimersByTimeAsync(200)
  push(2)
  await vi.advanceTimersByTimeAsync(400)
  expect(ranges()).toEqual([
    [0, 1, '1;'],
    [0, 2, '1;2;'],
    [0, 2, '1;2;'],
  ])
  expect(failures).toHaveLength(2)
  expect(marks).toEqual([2])
})

test('a commit whose answer was lost is found by the mark, and is not repeated', async () => {
  const { push, ranges, failures, marks, uncommitted } = setUp({ answers: ['stale'], mark: 1 })
  push(1)
  await vi.advanceTimersByTimeAsync(200)
  expect(marks).toEqual([1])
  expect([failures, uncommitted.length]).toEqual([[], 0])
  push(2)
  await vi.advanceTimersByTimeAsync(200)
  expect(ranges().at(-1)).toEqual([1, 2, '2;'])
})

test.each([0, 7, undefined])('a mark that is another (%s) means that this node was adopted', async mark => {
  const { push, failures, uncommitted, marks } = setUp({
    answers: ['stale'],
    ...(mark !== undefined && { mark }),
  })
  push(3)
  await vi.advanceTimersByTimeAsync(200)
  expect(failures).toEqual([expect.any(NodeLostError)])
  expect([uncommitted.length, marks]).toEqual([1, []])
})

test('takes no more records at a time than it may', async () => {
  const { push, ranges } = setUp()
  for (const seq of [6, 12, 18]) push(seq, 6)
  await vi.advanceTimersByTimeAsync(400)
  expect(ranges()).toEqual([
    [0, 12, '6;12;'],
    [12, 18, '18;'],
  ])
})

test('goes on at once while a whole batch waits: the interval is no bound of what a node can end', async () => {
  const { push, ranges } = setUp()
  for (const seq of [10, 20, 30, 35]) push(seq, seq === 35 ? 5 : 10)
  await vi.advanceTimersByTimeAsync(200)
  expect(ranges()).toEqual([
    [0, 10, '10;'],
    [10, 20, '20;'],
    [20, 30, '30;'],
  ])
})

test('a flush waits for the batch under way and commits all the rest', async () => {
  const { promise, resolve } = Promise.withResolvers<'committed'>()
  const { committer, push, uncommitted } = setUp({ answers: [promise] })
  for (const seq of [10, 20, 30]) push(seq, 10)
  await vi.advanceTimersByTimeAsync(200)
  committer.stop()
  const flushed = committer.flush()
  resolve('committed')
  await flushed
  expect(uncommitted.length).toBe(0)
})

test('a flush fails with the reason when the store is away', async () => {
  const { committer, push, uncommitted } = setUp({ answers: [new Error('away')] })
  push(1)
  await expect(committer.flush()).rejects.toThrow('away')
  expect(uncommitted.length).toBe(1)
})

test('tells for how long nothing has moved', async () => {
  const { committer, push } = setUp({ answers: [new Error('away'), new Error('away')] })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(committer.unpostedMs(Date.now())).toBe(0)
  push(1)
  await vi.advanceTimersByTimeAsync(400)
  expect(committer.unpostedMs(Date.now())).toBe(400)
  await vi.advanceTimersByTimeAsync(200)
  expect(committer.unpostedMs(Date.now())).toBe(0)
})

test('a record that the store refuses is set aside after some tries, and those around it are committed', async () => {
  const refused = new Error('too large to bind')
  // Three tries of the batch; then 1 alone, 2 twice with an empty batch between, nothing in its place, 3.
  const answers: Answer[] = [
    refused,
    refused,
    refused,
    'committed',
    refused,
    'committed',
    refused,
    'committed',
    'committed',
  ]
  const { uncommitted, ranges, asides, marks } = setUp({ answers, mark: 0 })
  const lines = [1, 2, 3].map(seq => encodeLine(`{"seq":${seq}}`))
  uncommitted.push({ bytes: Buffer.from(lines.join('')), lastSeq: 3, records: 3 })
  await vi.advanceTimersByTimeAsync(800)
  expect(asides).toEqual([2])
  expect(marks).toEqual([3])
  expect(ranges().slice(3)).toEqual([
    [0, 1, lines[0]],
    [1, 2, lines[1]],
    [1, 1, ''],
    [1, 2, lines[1]],
    [1, 2, ''],
    [2, 3, lines[2]],
  ])
  expect(uncommitted.length).toBe(0)
})
