import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { limits } from '#config'
import { startLeader } from './leader.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function startWith(answers: readonly (boolean | Error)[]) {
  let asked = 0
  const run = vi.fn(async (procedure: string) => {
    if (procedure === 'leaveLeadership') return undefined
    const answer = answers[Math.min(asked++, answers.length - 1)]
    if (answer instanceof Error) throw answer
    return answer
  })
  const elected = vi.fn()
  const onFailure = vi.fn()
  const leader = startLeader({
    nodeId: 'n',
    store: { run: run as never }, // decoding: the two procedures of a leader
    limits,
    now: Date.now,
    clock: () => performance.now(),
    onFailure,
  })
  leader.onElected(elected)
  return { leader, run, elected, onFailure }
}

const beats = (count: number) => vi.advanceTimersByTimeAsync(limits.heartbeatMs * count)

test('who gets the lease leads, and is told so once', async () => {
  const { leader, elected } = startWith([true])
  await beats(5)
  expect(leader.isLeading).toBe(true)
  expect(elected).toHaveBeenCalledOnce()
})

test('who does not get it looks at every heartbeat', async () => {
  const { leader, elected, run } = startWith([false, false, true])
  await beats(1)
  expect(leader.isLeading).toBe(false)
  await beats(1)
  expect(leader.isLeading).toBe(true)
  expect(elected).toHaveBeenCalledOnce()
  expect(run).toHaveBeenCalledTimes(3)
})

test('a leader whose store is away leads no longer than its lease, and again when the store is back', async () => {
  const away = new Error('away')
  const { leader, elected, onFailure } = startWith([true, away, away, away, true])
  await beats(2)
  expect(leader.isLeading).toBe(true)
  await beats(1)
  expect(leader.isLeading).toBe(false)
  expect(onFailure).toHaveBeenCalledTimes(3)
  await beats(1)
  expect(leader.isLeading).toBe(true)
  expect(elected).toHaveBeenCalledTimes(2)
})

test('a leader that stops gives the lease back; another node does not', async () => {
  const one = startWith([true])
  await beats(1)
  await one.leader.stop()
  expect(one.leader.isLeading).toBe(false)
  expect(one.run).toHaveBeenLastCalledWith('leaveLeadership', { name: 'jobs', node: 'n' })
  const other = startWith([false])
  await beats(1)
  await other.leader.stop()
  expect(other.run).not.toHaveBeenCalledWith('leaveLeadership', expect.anything())
})
