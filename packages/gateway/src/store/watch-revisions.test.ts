import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Follower, type Revisions, watchRevisions } from './watch-revisions.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  revisions.stop()
  vi.useRealTimers()
})

let revisions: Revisions

async function setUp() {
  const counters = { configuration: 1, keys: 1, health: 1 }
  const run = vi.fn(async () => ({ ...counters }))
  const onFailure = vi.fn()
  revisions = await watchRevisions({ store: { run } as never, pollMs: 100, onFailure }) // decoding: the one call of it
  const follow = (scope: Follower['scope'], catchUp: Follower['catchUp']) => {
    const failed = vi.fn()
    revisions.follow({ scope, from: revisions.atStart[scope], catchUp, onFailure: failed })
    return failed
  }
  return { counters, run, onFailure, follow }
}

const poll = (times = 1) => vi.advanceTimersByTimeAsync(100 * times)

test('one question is for all, and each hears of its own scope, once for each change', async () => {
  const { counters, run, follow } = await setUp()
  const [keys, health] = [vi.fn((revision: number) => revision), vi.fn((revision: number) => revision)]
  follow('keys', keys)
  follow('health', health)
  await poll(3)
  counters.keys = 5
  await poll(3)
  expect(run).toHaveBeenCalledTimes(7)
  expect(keys.mock.calls).toEqual([[5]])
  expect(health).not.toHaveBeenCalled()
})

test('who fails is told so and tries again; who has read further is not asked for it', async () => {
  const { counters, follow } = await setUp()
  let calls = 0
  const failed = follow('configuration', async () => {
    calls++
    if (calls === 1) throw new Error('away')
    return 3
  })
  counters.configuration = 2
  await poll()
  expect(failed).toHaveBeenCalledOnce()
  await poll()
  counters.configuration = 3
  await poll(3)
  expect(calls).toBe(2)
})

test('who is slow keeps nobody waiting, and is not asked twice at once', async () => {
  const { counters, follow } = await setUp()
  const slow = vi.fn(() => new Promise<number>(() => undefined))
  const quick = vi.fn((revision: number) => revision)
  follow('configuration', slow)
  follow('keys', quick)
  counters.configuration = 2
  for (const revision of [2, 3, 4]) {
    counters.keys = revision
    await poll()
  }
  expect(slow).toHaveBeenCalledOnce()
  expect(quick.mock.calls).toEqual([[2], [3], [4]])
})

test('a store that is away is told, and asked again', async () => {
  const { counters, run, onFailure, follow } = await setUp()
  const keys = vi.fn((revision: number) => revision)
  follow('keys', keys)
  run.mockRejectedValueOnce(new Error('away'))
  counters.keys = 2
  await poll()
  expect(onFailure).toHaveBeenCalledOnce()
  expect(keys).not.toHaveBeenCalled()
  await poll()
  expect(keys).toHaveBeenCalledOnce()
})
