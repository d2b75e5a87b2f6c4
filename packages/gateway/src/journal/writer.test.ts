import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listSegments } from './folder.ts'
import { decodeSegment, encodeLine } from './segment.ts'
import { createWriter } from './writer.ts'

let path: string
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'yumen-journal-'))
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

const header = { installation: 'here', epoch: 3, node: 'node' }
const line = (seq: number) => Buffer.from(encodeLine(JSON.stringify({ seq, record: 'x'.repeat(100) })))
const segments = () => listSegments(path).map(file => decodeSegment(readFileSync(file, 'utf8')))

test('what was written is read back, with the header of the segment', () => {
  const writer = createWriter({
    path,
    header,
    limits: { journalSegmentBytes: 10_000, journalKeepBytesMax: 10_000 },
  })
  writer.write(Buffer.concat([line(1), line(2)]), 2)
  writer.write(line(3), 3)
  writer.close()
  expect(segments()).toMatchObject([
    {
      header: { ...header, format: 1, firstSeq: 1 },
      damaged: 0,
      lines: [{ seq: 1 }, { seq: 2 }, { seq: 3 }],
    },
  ])
  expect(writer.bytes).toBe(statSync(listSegments(path)[0] ?? '').size)
  expect(statSync(listSegments(path)[0] ?? '').mode & 0o777).toBe(0o600)
})

test('a full segment is followed by the next, and both are read in order', () => {
  const writer = createWriter({
    path,
    header,
    limits: { journalSegmentBytes: 400, journalKeepBytesMax: 10_000 },
  })
  for (let seq = 1; seq <= 10; seq++) writer.write(line(seq), seq)
  writer.close()
  const found = segments()
  expect(found.length).toBeGreaterThan(2)
  expect(found.flatMap(segment => segment?.lines.map(({ seq }) => seq))).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
  ])
  for (const segment of found) expect(segment?.header.firstSeq).toBe(segment?.lines[0]?.seq)
})

test('lets go of segments that are committed, but not of the newest that are kept, and of none that is not', () => {
  const writer = createWriter({
    path,
    header,
    limits: { journalSegmentBytes: 400, journalKeepBytesMax: 900 },
  })
  for (let seq = 1; seq <= 20; seq++) writer.write(line(seq), seq)
  const before = listSegments(path).length
  writer.discard(0)
  expect(listSegments(path)).toHaveLength(before)
  writer.discard(20)
  const after = listSegments(path)
  expect(after.length).toBeLessThan(before)
  expect(after.length).toBeGreaterThanOrEqual(2)
  expect(writer.bytes).toBe(after.reduce((sum, file) => sum + statSync(file).size, 0))
  writer.close()
})

test('a sync is answered, also across the change of a segment', async () => {
  const writer = createWriter({
    path,
    header,
    limits: { journalSegmentBytes: 200, journalKeepBytesMax: 10_000 },
  })
  for (let seq = 1; seq <= 5; seq++) {
    writer.write(line(seq), seq)
    expect(await new Promise(resolve => writer.sync(resolve))).toBeNull()
  }
  writer.close()
})
