import { expect, test } from 'vitest'
import { migrate, migrationStatus } from '../open.ts'
import { describeStores } from '../store-cases.ts'

describeStores('migrations', stores => {
  test('an empty database gets the whole schema, once', async () => {
    const store = await stores.open(await stores.fresh(), { migrate: false })
    expect(await migrationStatus(store)).toEqual({
      current: 0,
      known: 4,
      pending: ['0001-first', '0002-leaders', '0003-routing', '0004-health-revision'],
    })
    expect(await migrate(store, () => 1)).toEqual([
      '0001-first',
      '0002-leaders',
      '0003-routing',
      '0004-health-revision',
    ])
    expect(await migrate(store, () => 2)).toEqual([])
    expect(await migrationStatus(store)).toEqual({ current: 4, known: 4, pending: [] })
  })

  test('two that open an empty database at once migrate it once', async () => {
    const database = await stores.fresh()
    const opened = await Promise.all([stores.open(database), stores.open(database), stores.open(database)])
    expect(await Promise.all(opened.map(store => store.run('readRevisions', {})))).toEqual(
      opened.map(() => ({ configuration: 1, keys: 1, health: 1 })),
    )
  })

  test('a schema that a newer program wrote is refused and left alone', async () => {
    const database = await stores.fresh()
    await stores.open(database)
    await stores.tamper(database, "INSERT INTO schema_migrations VALUES (9999, 'later', 1)")
    for (const shouldMigrate of [true, false]) {
      await expect(stores.open(database, { migrate: shouldMigrate })).rejects.toMatchObject({
        code: 'newer_schema',
        message: expect.stringContaining('schema 9999'),
      })
    }
  })

  test.each([
    "UPDATE charges SET amount_nusd = 0 WHERE id = 'A'",
    "DELETE FROM charges WHERE id = 'A'",
    `INSERT INTO charges VALUES ('A', 0, 1, 1, 'n', 1, 1, NULL, '1', '{}', 5)`,
  ])('the charges refuse %s', async sql => {
    const database = await stores.fresh()
    await stores.open(database)
    await stores.tamper(database, `INSERT INTO charges VALUES ('A', 0, 1, 1, 'n', 1, 1, NULL, '1', '{}', 7)`)
    await expect(stores.tamper(database, sql)).rejects.toThrow(/append-only|unique/i)
  })
})
