import { expect } from 'vitest'
import { type Answer, chargeOf } from './ask.ts'
import { type Books, readBooks } from './books.ts'
import { sleep } from './eventually.ts'
import { createSeeded, type Stage, seed, startBalance, startLoad } from './load.ts'

/** Load, a kill in the midst of it, a start on the same data; gives what the clients saw. */
export async function killUnderLoad({ gateway }: Stage, random: () => number): Promise<readonly Answer[]> {
  const load = startLoad(gateway.url, { random })
  await sleep(60 + random() * 500)
  await gateway.kill()
  const answers = await load.stop()
  await gateway.restart()
  return answers
}

/** Every whole answer has its charge, once and of the right height, and the sums agree with the rows. */
export function expectExactBooks(books: Books, answers: readonly Answer[]): void {
  const wrong = answers.filter(answer => answer.isWhole).flatMap(answer => findWrong(books, answer))
  expect(wrong).toEqual([])
  const sum = [...books.charges.values()].reduce((total, { amount }) => total + amount, 0n)
  const { balance, spent, keySpent, doubles } = books
  expect({ balance, spent, keySpent, doubles }).toEqual({
    balance: startBalance - sum,
    spent: sum,
    keySpent: sum,
    doubles: 0,
  })
}

function findWrong(books: Books, answer: Answer): string[] {
  const charge = books.charges.get(answer.id)
  const record = books.requests.get(answer.id)
  const { dialect, model, isStreaming } = answer.question
  const name = `${answer.id} ${dialect} ${model} ${isStreaming ? 'stream' : 'whole'}`
  if (charge === undefined) return [`${name} has no charge`]
  if (charge.amount !== chargeOf(answer)) return [`${name} costs ${charge.amount}, not ${chargeOf(answer)}`]
  return record?.class === 'ok' ? [] : [`${name} is recorded as ${record?.class}`]
}

/** `rounds` kills at random moments of a load, on one and the same data. */
export async function killAgainAndAgain(stage: Stage, rounds: number): Promise<readonly Answer[]> {
  const random = createSeeded(seed)
  const all: Answer[] = []
  for (let round = 0; round < rounds; round++) {
    all.push(...(await killUnderLoad(stage, random)))
    expectExactBooks(readBooks(stage.gateway.dataDir), all)
  }
  return all
}
