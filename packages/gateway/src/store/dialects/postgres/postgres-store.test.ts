import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openStore } from '../../open.ts'
import { describeStores } from '../../store-cases.ts'

describeStores('integers', stores => {
  test('money is a bigint, all else a number that is exact or an error', async () => {
    const db = await (await stores.open(await stores.fresh())).kysely()
    const bigint = stores.kind === 'sqlite' ? sql.raw('INTEGER') : sql.raw('BIGINT')
    const read = (value: string, name: string) =>
      sql<Record<string, unknown>>`SELECT CAST(${sql.raw(value)} AS ${bigint}) AS ${sql.ref(name)}`.execute(
        db,
      )
    expect((await read('9223372036854775807', 'sum_nusd')).rows).toEqual([{ sum_nusd: 2n ** 63n - 1n }])
    expect((await read('-9007199254740991', 'count')).rows).toEqual([{ count: -(2 ** 53) + 1 }])
    await expect(read('9007199254740993', 'count')).rejects.toThrow(/beyond 2\^53/)
  })

  test('sums of money beyond int64 are an error, never a float', async () => {
    const database = await stores.fresh()
    const store = await stores.open(database)
    const user = { role: 'user', group: 'default', passwordHash: undefined, now: 1 } as const
    await store.run('createUser', { ...user, username: 'ann', balance: 2n ** 63n - 1n })
    const change = 'UPDATE accounts SET balance_nusd = balance_nusd + 1'
    await expect(stores.tamper(database, change)).rejects.toThrow(/REAL|out of range/)
    const account = await (await store.kysely())
      .selectFrom('accounts')
      .select('balance_nusd')
      .executeTakeFirst()
    expect(account?.balance_nusd).toBe(2n ** 63n - 1n)
  })

  test('a statement that is wrong is unavailable or says so, and the next one works', async () => {
    const db = await (await stores.open(await stores.fresh())).kysely()
    await expect(sql`SELECT * FROM nothing_of_this_name`.execute(db)).rejects.toMatchObject({
      code: 'unavailable',
    })
    expect(await db.selectFrom('groups').select('name').execute()).toContainEqual({ name: 'default' })
  })
})

describeStores('waiting', stores => {
  test('a call past its deadline is unavailable, and the store goes on', async () => {
    const database = await stores.fresh()
    await stores.open(database)
    const store = await stores.open(database, { migrate: false, limits: { readDeadlineMs: 150 } })
    const forever = sql`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000)
      SELECT count(*) AS count FROM n, (SELECT 1 AS one UNION ALL SELECT 2) AS twice`
    await expect(forever.execute(await store.kysely())).rejects.toMatchObject({ code: 'unavailable' })
    expect(await store.run('readRevisions', {})).toMatchObject({ configuration: 1, keys: 1 })
  })
})

test('a PostgreSQL that is not there is unavailable, and no message holds the password', async () => {
  const opening = openStore({ dsn: 'postgres://yumen:canary@127.0.0.1:1/yumen', migrate: true })
  await expect(opening).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable' })
  await expect(opening).rejects.not.toThrow(/canary/)
})
