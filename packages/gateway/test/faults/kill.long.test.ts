import { expect, test } from 'vitest'
import { readBooks } from './books.ts'
import { expectExactBooks, killAgainAndAgain } from './killing.ts'
import { seed, startStage } from './load.ts'

test(`200 kills under load: every whole answer has its charge, once (YUMEN_TEST_SEED=${seed})`, async () => {
  const stage = await startStage()
  try {
    const answers = await killAgainAndAgain(stage, 200)
    expect(await stage.gateway.stop()).toBe(0)
    const books = readBooks(stage.gateway.dataDir)
    expectExactBooks(books, answers)
    expect(books.nodes).toBe(0)
  } finally {
    await stage.close()
  }
})
