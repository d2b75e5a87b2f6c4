import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Channel } from '#catalog'
import { limits } from '#config'
import { type JobsParts, startJobs } from './jobs.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const warn = vi.fn()
const leading = { isLeading: true, onElected: () => undefined }

type Wished = Partial<Pick<JobsParts, 'leader' | 'testEveryMs' | 'channels' | 'testChannel'>>

function startWith(parts: Pick<JobsParts, 'adopt'> & Wished) {
  return startJobs({
    store: { run: async () => 0 } as never, // decoding: no other part of a store is asked for
    leader: leading,
    limits,
    now: Date.now,
    retentionDays: () => 0,
    testEveryMs: () => undefined,
    channels: () => [],
    testChannel: async () => undefined,
    log: { warn } as never,
    ...parts,
  })
}

test('stop waits for the work that runs', async () => {
  const work = Promise.withResolvers<void>()
  const jobs = startWith({ adopt: () => work.promise })
  await vi.advanceTimersByTimeAsync(limits.adoptIntervalMs)
  let isStopped = false
  const stopped = jobs.stop().then(() => {
    isStopped = true
  })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(isStopped).toBe(false)
  work.resolve()
  await stopped
  expect(vi.getTimerCount()).toBe(0)
})

test('stop waits no longer than its bound', async () => {
  const jobs = startWith({ adopt: () => new Promise(() => undefined) })
  await vi.advanceTimersByTimeAsync(limits.adoptIntervalMs)
  const stopped = jobs.stop()
  await vi.advanceTimersByTimeAsync(5_000)
  await stopped
  expect(warn).toHaveBeenCalledOnce()
})

test('stop is at once where nothing runs', async () => {
  await startWith({ adopt: async () => undefined }).stop()
  expect(vi.getTimerCount()).toBe(0)
})

test('a node that does not lead does no job, and begins at once when it comes to lead', async () => {
  const adopt = vi.fn(async () => undefined)
  const elected: (() => void)[] = []
  const leader = { isLeading: false, onElected: (listener: () => void) => elected.push(listener) }
  const jobs = startWith({ adopt, leader })
  await vi.advanceTimersByTimeAsync(limits.adoptIntervalMs * 3)
  expect(adopt).not.toHaveBeenCalled()
  leader.isLeading = true
  for (const listener of elected) listener()
  expect(adopt).toHaveBeenCalledOnce()
  await jobs.stop()
})

test('enabled channels are tested when a round is due, and what fails is in the log', async () => {
  warn.mockClear()
  const on = { name: 'on', isEnabled: true } as Channel // decoding: all that the job reads of it
  const off = { ...on, name: 'off', isEnabled: false }
  const result = { channel: 'on', keyFingerprint: 'f', model: 'm', status: 401, ms: 3, message: 'no' }
  const testChannel = vi.fn(async () => [{ ...result, class: 'auth_upstream' }])
  const jobs = startWith({
    adopt: async () => undefined,
    testEveryMs: () => 60_000,
    channels: () => [on, off],
    testChannel,
  })
  await vi.advanceTimersByTimeAsync(59_000)
  expect(testChannel).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(70_000)
  expect(testChannel.mock.calls).toEqual([[on], [on]])
  expect(warn).toHaveBeenCalledWith(
    expect.objectContaining({ class: 'auth_upstream' }),
    'a channel failed its test',
  )
  await jobs.stop()
})

test('a channel that hangs or cannot be tested holds up no other, and only a few are tested at once', async () => {
  warn.mockClear()
  const hanging = Promise.withResolvers<undefined>()
  const channels = Array.from(
    { length: 10 },
    (_, index) => ({ name: `c${index}`, isEnabled: true }) as Channel,
  ) // decoding: all that the job reads
  let most = 0
  let running = 0
  const tested: string[] = []
  const jobs = startWith({
    adopt: async () => undefined,
    testEveryMs: () => 10_000,
    channels: () => channels,
    async testChannel({ name }) {
      if (name === 'c9') throw new Error('no such address')
      most = Math.max(most, ++running)
      if (name === 'c0') await hanging.promise
      await Promise.resolve()
      running--
      tested.push(name)
      return undefined
    },
  })
  await vi.advanceTimersByTimeAsync(15_000)
  expect(tested.sort()).toEqual(['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8'])
  expect(most).toBe(limits.channelTestsAtOnce)
  expect(warn).toHaveBeenCalledWith(
    expect.objectContaining({ channel: 'c9' }),
    'a channel could not be tested',
  )
  hanging.resolve(undefined)
  await jobs.stop()
})
