import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { adoptJournals } from './adopt.ts'
import type { Batch } from './committer.ts'
import { createFolder, listSegments } from './folder.ts'
import type { JournalRecord, NumberedRecord } from './record.ts'
import { encodeLine } from './segment.ts'
import { createWriter } from './writer.ts'

const dead = '01M8950000000000000000DEAD'
const second = '01M8950000000000000000DE01'
const own = '01M8950000000000000000MYNE'

let journalDir: string
beforeEach(() => {
  journalDir = mkdtempSync(join(tmpdir(), 'yumen-journal-'))
})
afterEach(() => rmSync(journalDir, { recursive: true, force: true }))

const timings = { authenticated: 0, bodyRead: 0, planned: 0, ended: 0 }
const factsOf = (id: string) => ({
  id,
  time: 0,
  accountId: 1,
  apiKeyId: 1,
  group: 'default',
  dialect: 'anthropic',
  operation: 'chat',
  isStreaming: true,
  model: 'm',
  attempts: [],
})
const settled = (id: string, amount = '7'): JournalRecord => ({
  kind: 'settled',
  facts: factsOf(id),
  charge: { amount, ratio: '1' },
  class: 'ok',
  status: 200,
  timings,
})
const progress = (id: string, amount: string): JournalRecord => ({
  kind: 'progress',
  facts: factsOf(id),
  charge: { amount, ratio: '1' },
})

const limits = { journalSegmentBytes: 1_000_000, journalKeepBytesMax: 1_000_000 }

/** What a node leaves that was killed behind its last write. */
function leaveBehind(
  node: string,
  records: readonly JournalRecord[],
  { installation = 'here', segmentBytes = limits.journalSegmentBytes } = {},
): string {
  const folder = createFolder(journalDir, node)
  const writer = createWriter({
    path: folder.path,
    header: { installation, epoch: 1, node },
    limits: { ...limits, journalSegmentBytes: segmentBytes },
  })
  for (const [index, record] of records.entries()) {
    writer.write(Buffer.from(encodeLine(JSON.stringify({ seq: index + 1, record }))), index + 1)
  }
  writer.close()
  folder.release()
  return folder.path
}

/** A store with the marks of the nodes that it knows. */
function createStore(marks: Readonly<Record<string, number>>) {
  const known = new Map(Object.entries(marks))
  const batches: Batch[] = []
  return {
    known,
    batches,
    /** What was committed, in short: `seq class id amount`. */
    committed: () =>
      batches.flatMap(({ records }) =>
        String(records)
          .trimEnd()
          .split('\n')
          .filter(line => line !== '')
          .map(line => {
            const { seq, record }: NumberedRecord = JSON.parse(line.slice(9))
            return `${seq} ${record.kind === 'settled' ? record.class : 'progress'} ${record.facts.id} ${record.charge.amount}`
          }),
      ),
    async commitBatch(batch: Batch): Promise<'committed' | 'stale'> {
      if (known.get(batch.nodeId) !== batch.markBefore) return 'stale'
      batches.push(batch)
      known.set(batch.nodeId, batch.markAfter)
      return 'committed'
    },
    markOf: async (node: string) => known.get(node),
    async endNode(node: string) {
      known.delete(node)
    },
  }
}

function adopt(store: ReturnType<typeof createStore>, { recordsMax = 100 } = {}) {
  const damages: object[] = []
  const foreigners: object[] = []
  const unknowns: object[] = []
  const asides: { line: { seq: number } }[] = []
  const parts = {
    journalDir,
    ownNode: own,
    installation: 'here',
    store,
    recordsMax,
    onDamage: (damage: object) => damages.push(damage),
    onForeign: (foreign: object) => foreigners.push(foreign),
    onUnknown: (unknown: object) => unknowns.push(unknown),
    onSetAside: (aside: { line: { seq: number } }) => asides.push(aside),
  }
  return { adoptions: adoptJournals(parts), damages, foreigners, unknowns, asides }
}

describe('the journal of a dead node', () => {
  test('is committed from the mark on, and its folder and its row go', async () => {
    const path = leaveBehind(dead, [settled('a'), settled('b'), settled('c')])
    const store = createStore({ [dead]: 1 })
    expect(await adopt(store).adoptions).toEqual([{ node: dead, records: 2, interrupted: 0 }])
    expect(store.committed()).toEqual(['2 ok b 7', '3 ok c 7'])
    expect([existsSync(path), store.known.has(dead)]).toEqual([false, false])
  })

  test('is committed once, however often it is looked for', async () => {
    leaveBehind(dead, [settled('a')])
    const store = createStore({ [dead]: 0 })
    await adopt(store).adoptions
    expect(await adopt(store).adoptions).toEqual([])
    expect(store.committed()).toEqual(['1 ok a 7'])
  })

  test('sets aside the one record that the store refuses, and commits all others', async () => {
    leaveBehind(dead, [settled('a'), settled('poison'), settled('c')])
    const store = createStore({ [dead]: 0 })
    const { commitBatch } = store
    const refusing = {
      ...store,
      commitBatch: async (batch: Parameters<typeof commitBatch>[0]) => {
        if (Buffer.concat(batch.records).includes('poison')) throw new Error('too large to bind')
        return commitBatch(batch)
      },
    }
    const { adoptions, asides } = adopt(refusing)
    await adoptions
    expect(store.committed()).toEqual(['1 ok a 7', '3 ok c 7'])
    expect(asides.map(({ line }) => line.seq)).toEqual([2])
  })

  test('is taken by one of two who look at the same time', async () => {
    leaveBehind(dead, [settled('a'), progress('b', '2')])
    leaveBehind(second, [settled('c')])
    const store = createStore({ [dead]: 0, [second]: 0 })
    const both = await Promise.all([adopt(store).adoptions, adopt(store).adoptions])
    expect(both.flat()).toHaveLength(2)
    expect(store.committed().sort()).toEqual(['1 ok a 7', '1 ok c 7', '2 progress b 2', '3 crash b 2'])
  })

  test('goes on behind the mark when an adoption was interrupted', async () => {
    const path = leaveBehind(dead, [settled('a'), settled('b'), settled('c'), progress('d', '2')])
    const store = createStore({ [dead]: 0 })
    const { commitBatch } = store
    let left = 2
    const failing = {
      ...store,
      commitBatch: async (batch: Batch) => {
        if (left-- <= 0) throw new Error('the database is away')
        return commitBatch(batch)
      },
    }
    await expect(adopt(failing, { recordsMax: 1 }).adoptions).rejects.toThrow('away')
    expect(existsSync(path)).toBe(true)
    expect(await adopt(store, { recordsMax: 1 }).adoptions).toEqual([
      { node: dead, records: 3, interrupted: 1 },
    ])
    expect(store.committed()).toEqual(['1 ok a 7', '2 ok b 7', '3 ok c 7', '4 progress d 2', '5 crash d 2'])
  })

  test('is read over all of its segments', async () => {
    const records = Array.from({ length: 30 }, (_, index) => settled(`r${index}`))
    const path = leaveBehind(dead, records, { segmentBytes: 1_000 })
    expect(listSegments(path).length).toBeGreaterThan(5)
    const store = createStore({ [dead]: 0 })
    await adopt(store, { recordsMax: 7 }).adoptions
    expect(store.committed()).toEqual(records.map((_, index) => `${index + 1} ok r${index} 7`))
  })
})

describe('a request without an end', () => {
  test('is charged by its last progress', async () => {
    leaveBehind(dead, [
      progress('a', '1'),
      progress('b', '2'),
      progress('a', '3'),
      settled('b', '4'),
      progress('c', '5'),
    ])
    const store = createStore({ [dead]: 0 })
    expect(await adopt(store).adoptions).toEqual([{ node: dead, records: 7, interrupted: 2 }])
    expect(store.committed().slice(4)).toEqual(['5 progress c 5', '6 crash a 3', '7 crash c 5'])
  })

  test('whose progress was committed before is charged too', async () => {
    leaveBehind(dead, [progress('a', '1')])
    const store = createStore({ [dead]: 1 })
    await adopt(store).adoptions
    expect(store.committed()).toEqual(['2 crash a 1'])
  })
})

describe('a torn journal', () => {
  test('loses a last line that was written in part, and nothing else', async () => {
    const path = leaveBehind(dead, [settled('a')])
    appendFileSync(
      listSegments(path)[0] ?? '',
      encodeLine(JSON.stringify({ seq: 2, record: settled('b') })).slice(0, -20),
    )
    const store = createStore({ [dead]: 0 })
    const { adoptions, damages } = adopt(store)
    expect(await adoptions).toEqual([{ node: dead, records: 1, interrupted: 0 }])
    expect([store.committed(), damages]).toEqual([['1 ok a 7'], []])
  })

  test('tells of a damaged line, and commits those around it', async () => {
    const path = leaveBehind(dead, [settled('a'), settled('b'), settled('c')])
    change(path, text => text.replace('"id":"b"', '"id":"x"'))
    const store = createStore({ [dead]: 0 })
    const { adoptions, damages } = adopt(store)
    await adoptions
    expect(store.committed()).toEqual(['1 ok a 7', '3 ok c 7'])
    expect(damages).toEqual([{ node: dead, records: 1 }])
  })

  test.each(['', 'nonsense', '12345678 {"format":1}\n', '\n\n'])(
    'without a whole header (%j) was never used, and goes',
    async content => {
      const path = leaveBehind(dead, [])
      change(path, () => content)
      const store = createStore({ [dead]: 0 })
      expect(await adopt(store).adoptions).toEqual([])
      expect([existsSync(path), store.known.has(dead)]).toEqual([false, false])
    },
  )

  // The store refuses a second charge of a request (`ledger_conflict`): no gateway would start on this data any more.
  test.each([
    { says: 'in the middle', records: [progress('a', '1'), settled('a'), settled('b')], mark: 3 },
    { says: 'at the end', records: [progress('a', '1'), settled('a')], mark: 2 },
  ])(
    'does not end again a request whose settlement is damaged but committed: $says',
    async ({ records, mark }) => {
      const path = leaveBehind(dead, records)
      change(path, text => text.replace('"amount":"7"', '"amount":"9"'))
      const store = createStore({ [dead]: mark })
      await adopt(store).adoptions
      expect([store.committed(), store.known.has(dead)]).toEqual([[], false])
    },
  )

  test('ends a request that went on behind damaged records, and one whose damaged settlement is not committed', async () => {
    const path = leaveBehind(dead, [
      progress('a', '1'),
      settled('b'),
      progress('a', '2'),
      progress('c', '3'),
      settled('c', '8'),
      settled('d'),
    ])
    change(path, text => text.replace('"id":"b"', '"id":"x"').replace('"amount":"8"', '"amount":"9"'))
    const store = createStore({ [dead]: 3 })
    await adopt(store).adoptions
    expect(store.committed()).toEqual(['4 progress c 3', '6 ok d 7', '7 crash a 2', '8 crash c 3'])
  })
})

function change(path: string, how: (text: string) => string): void {
  const file = listSegments(path)[0] ?? ''
  writeFileSync(file, how(readFileSync(file, 'utf8')))
}

describe('is left alone:', () => {
  test('the folder of a living process', async () => {
    const folder = createFolder(journalDir, dead)
    const store = createStore({ [dead]: 0 })
    expect(await adopt(store).adoptions).toEqual([])
    expect([existsSync(folder.path), store.known.has(dead)]).toEqual([true, true])
    folder.release()
  })

  test("this process's own folder", async () => {
    const path = leaveBehind(own, [settled('a')])
    const store = createStore({ [own]: 0 })
    await adopt(store).adoptions
    expect([existsSync(path), store.committed()]).toEqual([true, []])
  })

  test('the journal of a node that the store has forgotten: an older copy of it was put back', async () => {
    const path = leaveBehind(dead, [settled('a'), settled('b')])
    const { adoptions, unknowns } = adopt(createStore({}))
    expect(await adoptions).toEqual([])
    expect(unknowns).toEqual([{ node: dead, records: 2 }])
    expect(existsSync(path)).toBe(true)
  })

  test('the journal of another installation', async () => {
    const path = leaveBehind(dead, [settled('a')], { installation: 'elsewhere' })
    const store = createStore({ [dead]: 0 })
    const { adoptions, foreigners } = adopt(store)
    expect(await adoptions).toEqual([])
    expect(foreigners).toEqual([{ node: dead, installation: 'elsewhere' }])
    expect([existsSync(path), store.committed()]).toEqual([true, []])
  })

  test('a journal of a newer format, which stops the start with a clear word', async () => {
    const path = leaveBehind(dead, [settled('a')])
    const header = { format: 2, installation: 'here', epoch: 1, node: dead, firstSeq: 1 }
    change(path, () => encodeLine(JSON.stringify(header)))
    await expect(adopt(createStore({ [dead]: 0 })).adoptions).rejects.toThrow(
      'written by a newer Yumen (format 2, this one reads 1)',
    )
    expect(existsSync(path)).toBe(true)
  })

  test("a folder that is no node's: the journals may have been put beside other things", async () => {
    const path = join(journalDir, 'photos')
    mkdirSync(path)
    writeFileSync(join(path, 'holiday.jpg'), 'x')
    await adopt(createStore({})).adoptions
    expect(existsSync(join(path, 'holiday.jpg'))).toBe(true)
  })
})

test('a folder that another process takes away meanwhile is no failure', async () => {
  leaveBehind(dead, [settled('a')])
  const path = leaveBehind(second, [settled('b')])
  const store = createStore({ [dead]: 0, [second]: 0 })
  const other = {
    ...store,
    endNode: async (node: string) => {
      await store.endNode(node)
      rmSync(node === second ? join(journalDir, dead) : path, { recursive: true, force: true })
    },
  }
  expect(await adopt(other).adoptions).toHaveLength(1)
})
