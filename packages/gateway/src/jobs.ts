import { ulid } from 'ulid'
import type { Channel } from '#catalog'
import type { Leader } from '#cluster'
import type { Limits } from '#config'
import type { ChannelTest } from '#relay'
import type { Store } from '#store'
import { errorFields, type Log } from '#telemetry'

export interface JobsParts {
  readonly store: Store
  /** Only the leader works; who comes to lead begins at once. */
  readonly leader: Pick<Leader, 'isLeading' | 'onElected'>
  readonly adopt: () => Promise<void>
  readonly limits: Limits
  readonly now: () => number
  readonly retentionDays: () => number
  /** Milliseconds between two rounds of channel tests; `undefined`: none. */
  readonly testEveryMs: () => number | undefined
  readonly channels: () => Iterable<Channel>
  readonly testChannel: (channel: Channel) => Promise<readonly ChannelTest[] | undefined>
  readonly log: Log
}

export interface Jobs {
  /** Begins nothing more and waits for what runs, at most five seconds: the store may be closed then. Never fails. */
  stop(): Promise<void>
}

const stopMsMax = 5_000
const dayMs = 86_400_000
const retentionEveryMs = 600_000
const retentionSlice = 2_000
/** Whether a round of channel tests is due is looked at this often. */
const testCheckMs = 15_000

/** Background work that one node does for all: adoption of dead nodes' journals, and the end of old request records. */
export function startJobs({
  store,
  leader,
  adopt,
  limits,
  now,
  retentionDays,
  log,
  testEveryMs,
  channels,
  testChannel,
}: JobsParts): Jobs {
  const running = new Set<Promise<void>>()
  let isStopping = false
  const timers = [
    every(limits.adoptIntervalMs, 'adoption', adopt),
    every(retentionEveryMs, 'retention', removeOld),
    every(testCheckMs, 'channel tests', testChannels),
  ]

  /** Slice by slice, so that no transaction is long. */
  async function removeOld(): Promise<void> {
    const days = retentionDays()
    if (days === 0) return
    const beforeId = ulid(now() - days * dayMs)
      .slice(0, 10)
      .padEnd(26, '0')
    let removed = retentionSlice
    while (removed === retentionSlice && !isStopping && leader.isLeading) {
      removed = await store.run('removeOldRequests', { beforeId, limit: retentionSlice })
    }
  }

  let testedAt = now()

  /**
   * A few channels at once, of each one key after the other: a test must not be what overloads an upstream. Nodes hear of the results
   * as of any attempt's.
   */
  async function testChannels(): Promise<void> {
    const everyMs = testEveryMs()
    if (everyMs === undefined || now() - testedAt < everyMs) return
    testedAt = now()
    const waiting = [...channels()].filter(({ isEnabled }) => isEnabled).values()
    await Promise.all(Array.from({ length: limits.channelTestsAtOnce }, () => testEach(waiting)))
  }

  async function testEach(waiting: Iterator<Channel>): Promise<void> {
    for (let next = waiting.next(); !next.done; next = waiting.next()) {
      if (isStopping || !leader.isLeading) return
      const channel = next.value
      const tests = await testChannel(channel).catch((error: unknown) => {
        log.warn({ channel: channel.name, ...errorFields(error) }, 'a channel could not be tested')
      })
      for (const test of tests ?? []) {
        if (test.class !== 'ok') log.warn({ ...test }, 'a channel failed its test')
      }
    }
  }

  function every(ms: number, name: string, work: () => Promise<void>): NodeJS.Timeout {
    let isRunning = false
    const begin = () => {
      if (isRunning || isStopping || !leader.isLeading) return
      isRunning = true
      const run = work()
        .catch((error: unknown) => log.warn({ job: name, ...errorFields(error) }, 'a job failed'))
        .finally(() => {
          isRunning = false
          running.delete(run)
        })
      running.add(run)
    }
    leader.onElected(begin)
    const timer = setInterval(begin, ms)
    timer.unref()
    return timer
  }

  return {
    async stop() {
      isStopping = true
      for (const timer of timers) clearInterval(timer)
      if (running.size === 0) return
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(() => {
        log.warn({ ms: stopMsMax }, 'a job still runs; it is left to the next start')
        late.resolve()
      }, stopMsMax)
      await Promise.race([Promise.all(running), late.promise])
      clearTimeout(timer)
    },
  }
}
