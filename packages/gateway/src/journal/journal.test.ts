import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createJournal, type Journal } from './journal.ts'
import type { JournalRecord } from './record.ts'
import type { Writer } from './writer.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const limits = {
  journalBytesMax: 10_000,
  journalQueueBytesMax: 5_000,
  journalSyncMs: 100,
  journalWriteMsMax: 250,
}

interface Disk extends Writer {
  readonly writes: string[]
  readonly seqs: number[]
  /** What the next write throws. */
  failure: Error | undefined
  writeMs: number
  size: number
  /** Syncs that nobody has answered yet. */
  readonly syncs: ((error: Error | null) => void)[]
}

function setUp({ sync = 'group' }: { sync?: 'group' | 'always' } = {}) {
  let now = 0
  const disk: Disk = {
    writes: [],
    seqs: [],
    failure: undefined,
    writeMs: 0,
    size: 0,
    syncs: [],
    write(lines, lastSeq) {
      now += disk.writeMs
      if (disk.failure !== undefined) throw disk.failure
      disk.writes.push(String(lines))
      disk.seqs.push(lastSeq)
      disk.size += lines.length
    },
    sync: done => disk.syncs.push(done),
    discard: () => undefined,
    get bytes() {
      return disk.size
    },
    close: () => undefined,
  }
  const events: string[] = []
  const failures: unknown[] = []
  const journal = createJournal({
    writer: disk,
    limits,
    syncMode: () => sync,
    clock: () => now,
    crashPoint: step => events.push(step),
    onFailure: error => failures.push(error),
  })
  const pass = (ms: number) => {
    now += ms
    return vi.advanceTimersByTimeAsync(ms)
  }
  const append = (id: string) =>
    journal.append(recordOf(id), failure => events.push(failure === undefined ? id : `${id} failed`))
  return { disk, journal, events, failures, append, pass }
}

const timings = { authenticated: 0, bodyRead: 0, planned: 0, ended: 0 }

function recordOf(id: string, more = ''): JournalRecord {
  const facts = {
    id,
    time: 0,
    accountId: 1,
    apiKeyId: 1,
    group: 'default',
    dialect: 'anthropic',
    operation: 'chat',
    isStreaming: false,
    model: `m${more}`,
    attempts: [],
  }
  return { kind: 'settled', facts, charge: { amount: '1', ratio: '1' }, class: 'ok', status: 200, timings }
}

const seqsOf = (text = '') => [...text.matchAll(/"seq":(\d+)/g)].map(match => Number(match[1]))

/** One turn of the event loop. */
const turn = () => vi.advanceTimersByTimeAsync(0)

test('all records of one turn go out by one write, and are released behind it, in order', async () => {
  const { disk, append, events } = setUp()
  append('a')
  append('b')
  expect([disk.writes, events]).toEqual([[], []])
  await turn()
  expect(disk.writes.map(seqsOf)).toEqual([[1, 2]])
  expect(events).toEqual(['before-journal', 'after-journal', 'a', 'b', 'after-release'])
  append('c')
  await turn()
  expect(disk.writes.map(seqsOf)).toEqual([[1, 2], [3]])
})

test('what is written waits for the store with its sequence number', async () => {
  const { journal, append } = setUp()
  append('a')
  append('b')
  await turn()
  expect(journal.uncommitted.peek(10)).toMatchObject([{ lastSeq: 2, records: 2 }])
})

describe('a write that fails', () => {
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })

  test('is told to all of its requests, and nothing of it goes to the store', async () => {
    const { disk, journal, append, events, failures } = setUp()
    disk.failure = full
    append('a')
    append('b')
    await turn()
    expect(events).toContain('a failed')
    expect(events).toContain('b failed')
    expect(failures).toEqual([full])
    expect(journal.uncommitted.length).toBe(0)
  })

  test('closes the journal for new requests, and a second later one may try again', async () => {
    const { disk, journal, append, events, pass } = setUp()
    disk.failure = full
    append('a')
    await turn()
    expect(journal.isAccepting).toBe(false)
    await pass(999)
    expect(journal.isAccepting).toBe(false)
    await pass(1)
    expect(journal.isAccepting).toBe(true)
    append('b')
    await turn()
    expect(journal.isAccepting).toBe(false)
    await pass(1_000)
    disk.failure = undefined
    append('c')
    await turn()
    expect(journal.isAccepting).toBe(true)
    expect(events.filter(event => /^[abc](?: failed)?$/.test(event))).toEqual(['a failed', 'b failed', 'c'])
    expect(journal.uncommitted.peek(10)).toMatchObject([{ lastSeq: 1, records: 1 }])
  })
})

describe('takes nothing new', () => {
  test('for a second after a write that took too long', async () => {
    const { disk, journal, append, pass } = setUp()
    disk.writeMs = 251
    append('a')
    await turn()
    expect(journal.isAccepting).toBe(false)
    await pass(1_001)
    expect(journal.isAccepting).toBe(true)
  })

  test('while its files have used up their space', async () => {
    const { disk, journal } = setUp()
    disk.size = limits.journalBytesMax
    expect(journal.isAccepting).toBe(false)
    disk.size--
    expect(journal.isAccepting).toBe(true)
  })

  test('while too much waits for the store', async () => {
    const { journal } = setUp()
    journal.append(recordOf('a', 'x'.repeat(limits.journalQueueBytesMax)))
    await turn()
    expect(journal.isAccepting).toBe(false)
    journal.uncommitted.drop(1)
    expect(journal.isAccepting).toBe(true)
  })
})

describe('journal.sync: group', () => {
  test('tells the disk at each interval in which something was written', async () => {
    const { disk, append, pass } = setUp()
    await pass(300)
    expect(disk.syncs).toHaveLength(0)
    append('a')
    await turn()
    await pass(100)
    expect(disk.syncs).toHaveLength(1)
    disk.syncs[0]?.(null)
    await pass(300)
    expect(disk.syncs).toHaveLength(1)
  })

  test('never has two syncs under way', async () => {
    const { disk, append, pass } = setUp()
    append('a')
    await pass(100)
    append('b')
    await pass(300)
    expect(disk.syncs).toHaveLength(1)
    disk.syncs[0]?.(null)
    await pass(100)
    expect(disk.syncs).toHaveLength(2)
  })
})

describe('journal.sync: always', () => {
  test('releases when the bytes are on the disk, and not before', async () => {
    const { disk, append, events } = setUp({ sync: 'always' })
    append('a')
    await turn()
    expect(disk.writes).toHaveLength(1)
    expect(events).toEqual(['before-journal', 'after-journal'])
    disk.syncs[0]?.(null)
    expect(events).toEqual(['before-journal', 'after-journal', 'a', 'after-release'])
  })

  test('what is written during a sync waits for the next one', async () => {
    const { disk, append, events } = setUp({ sync: 'always' })
    append('a')
    await turn()
    append('b')
    append('c')
    await turn()
    expect(disk.syncs).toHaveLength(1)
    disk.syncs[0]?.(null)
    expect(events).not.toContain('b')
    expect(disk.syncs).toHaveLength(2)
    disk.syncs[1]?.(null)
    expect(events.filter(event => /^[abc]$/.test(event))).toEqual(['a', 'b', 'c'])
  })

  test('after a sync that fails answers go out, since they will be charged, and nothing new comes in', async () => {
    const { disk, journal, append, events, failures } = setUp({ sync: 'always' })
    const broken = new Error('input/output error')
    append('a')
    await turn()
    disk.syncs[0]?.(broken)
    expect(events).toContain('a')
    expect(journal.isAccepting).toBe(false)
    expect(failures).toEqual([broken])
  })
})

test('closing writes what is queued', () => {
  const { disk, journal, append } = setUp()
  append('a')
  journal.close()
  expect(disk.writes.map(seqsOf)).toEqual([[1]])
})

test('a text with line feeds stays one line', async () => {
  const { disk, journal } = setUp()
  const write: (journal: Journal) => void = target => target.append(recordOf('a', '\n\r\u2028"\\'))
  write(journal)
  await turn()
  expect(disk.writes[0]?.split('\n')).toHaveLength(2)
})
