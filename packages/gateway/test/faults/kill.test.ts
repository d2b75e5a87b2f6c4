import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, ask, dialects, startAsking, wordsOf } from './ask.ts'
import { readBooks } from './books.ts'
import { eventually, sleep } from './eventually.ts'
import { expectExactBooks, killAgainAndAgain } from './killing.ts'
import { createSeeded, type Stage, seed, startLoad, startStage } from './load.ts'

describe(`a gateway that is killed (YUMEN_TEST_SEED=${seed})`, () => {
  test('20 kills under load: every answer that a client has whole has its charge, once', {
    timeout: 120_000,
  }, async () => {
    const stage = await startStage()
    try {
      const answers = await killAgainAndAgain(stage, 20)
      const whole = answers.filter(answer => answer.isWhole)
      expect(whole.length).toBeGreaterThan(200)
      for (const dialect of dialects)
        for (const isStreaming of [true, false])
          expect(
            whole.filter(
              ({ question }) => question.dialect === dialect && question.isStreaming === isStreaming,
            ),
          ).not.toEqual([])
      expect(answers.filter(({ status }) => ![0, 200].includes(status))).toEqual([])
      await expectShown(stage, whole)
      expect(await stage.gateway.stop()).toBe(0)
      const books = readBooks(stage.gateway.dataDir)
      expectExactBooks(books, answers)
      expect(books.nodes).toBe(0)
    } finally {
      await stage.close()
    }
  })

  describe.each(['group', 'always'])('with journal.sync: %s', sync => {
    let stage: Stage
    const seen: Answer[] = []
    beforeAll(async () => {
      stage = await startStage({ more: { options: { 'journal.sync': sync } } })
      await stage.gateway.stop()
    })
    afterAll(() => stage.close())

    test.each(['before-journal', 'after-journal', 'after-release', 'before-commit', 'after-commit'])(
      'ends at %s, and nothing is lost or doubled',
      async step => {
        const { gateway } = stage
        await gateway.kill() // one that a failed test before left running
        await gateway.restart({ YUMEN_CRASH_AT: step })
        const load = startLoad(gateway.url, { random: createSeeded(seed) })
        seen.push(...(await load.stop().then(() => loadUntilEnd(stage))), ...load.answers)
        await gateway.kill()
        await gateway.restart()
        expectExactBooks(readBooks(gateway.dataDir), seen)
        const after = await ask(gateway.url, { dialect: 'chat', model: 'sim', isStreaming: false })
        expect(after.isWhole).toBe(true)
        seen.push(after)
        expect(await gateway.stop()).toBe(0)
        const books = readBooks(gateway.dataDir)
        expectExactBooks(books, seen)
        expect(books.nodes).toBe(0)
      },
    )
  })
})

/** Asks until the gateway is gone. */
async function loadUntilEnd({ gateway }: Stage): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let count = 0; count < 200; count++) {
    const answer = await ask(gateway.url, {
      dialect: 'anthropic',
      model: 'sim',
      isStreaming: count % 2 === 0,
    })
    answers.push(answer)
    if (answer.status === 0) return answers
    await sleep(20)
  }
  throw new Error('the gateway did not reach the step at which it was to end')
}

/** The command line tells the same as the tables. */
async function expectShown({ gateway }: Stage, whole: readonly Answer[]): Promise<void> {
  const charges = readBooks(gateway.dataDir).charges
  for (const { id, question } of whole.filter((_, index) => index % Math.ceil(whole.length / 4) === 0)) {
    const amount = charges.get(id)?.amount ?? -1n
    expect(await gateway.yumenJson('requests', 'show', id)).toMatchObject({
      requestId: id,
      model: question.model,
      source: 'upstream',
      charge: `${amount / 1_000_000_000n}.${String(amount % 1_000_000_000n).padStart(9, '0')}`,
    })
  }
}

/** What a kill may leave uncharged: progress is kept each second, looked at four times a second. */
const progressMs = 1_500
const progressTokens = 256
const tokensOf = (text: string) => Math.ceil(text.length / 4)

test('a stream that a kill cuts is charged for what was delivered, but for its last second', async () => {
  const stage = await startStage({ models: ['sim-tokens5000-gap1', 'sim-tokens5000-gap20'] })
  const { gateway } = stage
  try {
    const asked = dialects.flatMap(dialect =>
      ['sim-tokens5000-gap1', 'sim-tokens5000-gap20'].map(model =>
        startAsking(gateway.url, { dialect, model, isStreaming: true }),
      ),
    )
    await sleep(2_800)
    const killedAt = performance.now()
    await gateway.kill()
    const answers = await Promise.all(asked.map(({ answer }) => answer))
    await gateway.restart()
    const books = readBooks(gateway.dataDir)
    for (const answer of answers) {
      const { dialect } = answer.question
      const before = answer.arrivals.findLast(({ at }) => at < killedAt - progressMs)?.length ?? 0
      const delivered = tokensOf(wordsOf(dialect, answer.text))
      const due = Math.max(
        tokensOf(wordsOf(dialect, answer.text.slice(0, before))),
        delivered - progressTokens,
      )
      const record = books.requests.get(answer.id)
      expect(answer.isWhole).toBe(false)
      expect(record).toMatchObject({ class: 'crash', source: 'counted' })
      expect(record?.usage?.output).toBeGreaterThanOrEqual(Math.min(due, delivered))
      expect(record?.usage?.output).toBeLessThanOrEqual(delivered)
      expect(books.charges.get(answer.id)?.amount).toBe(
        BigInt(record?.usage?.input ?? 0) * 2_500n + BigInt(record?.usage?.output ?? 0) * 10_000n,
      )
    }
    expectExactBooks(books, [])
  } finally {
    await stage.close()
  }
})

test('a slow stream that is killed in its first second is on record and charged', async () => {
  const stage = await startStage({ models: ['sim-tokens60-gap300'] })
  const { gateway } = stage
  try {
    const asked = dialects.map(dialect =>
      startAsking(gateway.url, { dialect, model: 'sim-tokens60-gap300', isStreaming: true }),
    )
    await eventually(
      () => asked.every(({ text }, index) => wordsOf(dialects[index] ?? 'chat', text()) !== '') || undefined,
    )
    await sleep(1_000) // a few pieces; the input is not counted yet, the first second not over by much
    await gateway.kill()
    const answers = await Promise.all(asked.map(({ answer }) => answer))
    await gateway.restart()
    const books = readBooks(gateway.dataDir)
    for (const answer of answers) {
      expect(wordsOf(answer.question.dialect, answer.text)).not.toBe('')
      expect(books.requests.get(answer.id)).toMatchObject({ class: 'crash', source: 'counted' })
      const shown = await gateway.yumenJson('requests', 'show', answer.id)
      expect(shown).toMatchObject({ timings: { firstByte: expect.any(Number), ended: expect.any(Number) } })
      expect(books.charges.get(answer.id)?.amount).toBeGreaterThan(0n)
    }
  } finally {
    await stage.close()
  }
})
