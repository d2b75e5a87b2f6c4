import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sql } from 'kysely'
import { afterAll, expect, test } from 'vitest'
import { openStore, type StoreOptions } from '../../open.ts'
import type { Store } from '../../types.ts'

const folder = mkdtempSync(join(tmpdir(), 'yumen-sqlite-'))
const opened: Store[] = []
afterAll(async () => {
  for (const store of opened) await store.close()
  rmSync(folder, { recursive: true, force: true })
})

let last = 0
const freshPath = () => {
  last += 1
  return join(folder, 'made', `${last}.db`)
}
async function open(path: string, limits: StoreOptions['limits'] = {}): Promise<Store> {
  const store = await openStore({ sqlitePath: path, migrate: true, limits })
  opened.push(store)
  return store
}
const user = { role: 'user', group: 'default', passwordHash: undefined, balance: 0n, now: 1 } as const

test('two stores on one file write at once and lose nothing', async () => {
  const path = freshPath()
  const stores = [await open(path), await open(path)]
  const names = Array.from({ length: 40 }, (_, index) => `user-${index}`)
  const writes = names.map((username, index) => stores[index % 2]?.run('createUser', { ...user, username }))
  await Promise.all(writes)
  const [first] = stores
  const users = await (await first?.kysely())?.selectFrom('users').select('id').execute()
  expect(users).toHaveLength(40)
  expect((await first?.run('readRevisions', {}))?.keys).toBe(41)
})

test('a writer that finds the lock held waits, then is unavailable', async () => {
  const path = freshPath()
  const store = await open(path, { busyTimeoutMs: 50 })
  using other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  await expect(store.run('createUser', { ...user, username: 'ann' })).rejects.toMatchObject({
    code: 'unavailable',
  })
  expect(await store.run('readRevisions', {})).toMatchObject({ configuration: 1, keys: 1 })
  other.exec('ROLLBACK')
  await store.run('createUser', { ...user, username: 'ann' })
})

const endless = sql`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
  SELECT hex(zeroblob(2000)) || i AS text FROM n`

test('a statement of too many rows is refused', async () => {
  const store = await open(freshPath(), { rowsMax: 1_000 })
  await expect(endless.execute(await store.kysely())).rejects.toThrow(/more than 1000 rows/)
})

test('a reader that runs out of memory takes nothing along: the next read is answered', async () => {
  const store = await open(freshPath(), { workerOldSpaceMb: 16 })
  await expect(endless.execute(await store.kysely())).rejects.toMatchObject({ code: 'unavailable' })
  expect(await (await store.kysely()).selectFrom('groups').select('name').execute()).toContainEqual({
    name: 'default',
  })
  await store.run('createUser', { ...user, username: 'ann' })
})

test('reads do not write, and integers beyond 2^53 are money or an error', async () => {
  const store = await open(freshPath())
  await expect(sql`DELETE FROM groups`.execute(await store.kysely())).rejects.toMatchObject({
    code: 'unavailable',
  })
  await expect((await store.kysely()).transaction().execute(async () => {})).rejects.toThrow(
    /a write is a procedure/,
  )
  const { rows } = await sql`SELECT 9223372036854775807 AS sum_nusd, 9007199254740991 AS count`.execute(
    await store.kysely(),
  )
  expect(rows).toEqual([{ sum_nusd: 2n ** 63n - 1n, count: 2 ** 53 - 1 }])
  await expect(sql`SELECT 9007199254740993 AS count`.execute(await store.kysely())).rejects.toThrow(
    /beyond 2\^53/,
  )
})

test('a short read does not wait for a write that is under way', async () => {
  const path = freshPath()
  const store = await open(path, { busyTimeoutMs: 3_000 })
  using other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  let isWritten = false
  const write = store.run('createUser', { ...user, username: 'ann' }).then(() => {
    isWritten = true
  })
  expect(
    await store.query('SELECT name FROM groups WHERE name = $1 OR name = $1', ['default']),
  ).toContainEqual({ name: 'default' })
  expect(isWritten).toBe(false)
  other.exec('ROLLBACK')
  await write
})

test('a short read writes nothing, whichever thread answers it', async () => {
  const store = await open(freshPath())
  await expect(store.query('DELETE FROM groups')).rejects.toMatchObject({ code: 'unavailable' })
  expect(await store.query('SELECT 9223372036854775807 AS sum_nusd, 1 AS count')).toEqual([
    { sum_nusd: 2n ** 63n - 1n, count: 1 },
  ])
})

test('the write-ahead log stays bounded while a reader holds on to an old state', async () => {
  const path = freshPath()
  const walBytesMax = 256 * 1024
  const store = await open(path, {
    walBytesMax,
    walCheckEvery: 5,
    busyTimeoutMs: 50,
    walKeepBytes: 64 * 1024,
  })
  using other = new DatabaseSync(path, { readOnly: true })
  other.exec('BEGIN')
  other.prepare('SELECT * FROM revisions').all()
  const write = async (index: number) => store.run('createUser', { ...user, username: `user-${index}` })
  for (let index = 0; index < 60; index += 1) await write(index)
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(walBytesMax)
  other.exec('ROLLBACK')
  for (let index = 60; index < 66; index += 1) await write(index)
  expect(statSync(`${path}-wal`).size).toBeLessThan(walBytesMax)
})

test('what was called before close is done', async () => {
  const path = freshPath()
  const store = await open(path)
  const writes = ['a', 'b', 'c'].map(username => store.run('createUser', { ...user, username }))
  await store.close()
  expect(await Promise.all(writes)).toHaveLength(3)
  await expect(store.run('readRevisions', {})).rejects.toMatchObject({ code: 'unavailable' })
})
