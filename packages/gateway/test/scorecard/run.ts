import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { type Answer, ask } from '../faults/ask.ts'
import { type Charge, type Recorded, readBooks } from '../faults/books.ts'
import { eventually, sleep } from '../faults/eventually.ts'
import type { TestGateway } from '../gateway.ts'
import type { Case } from './cases.ts'
import { type Reading, readAnswer } from './client.ts'
import type { Charged, Outcome, Takes } from './outcome.ts'
import { limitsMs } from './stage.ts'

const sentence = 'Hello from the simulator, all is well here.'
/** What `sentence` costs by the usage that the simulator states. */
const answerCharge = 110_000n
/** Cases under way at once: those that wait for a limit would keep the others waiting. */
const atOnceMax = 100
/** Long enough for what comes after an answer to arrive, short enough that the connection is still kept. */
const betweenMs = 200

interface Seen {
  readonly one: Case
  readonly answer: Answer
  readonly ms: number
}

/** Asks every case once, the slow ones first, and says what became of each. */
export async function runCases(
  gateway: TestGateway,
  cases: readonly Case[],
): Promise<ReadonlyMap<Case, Outcome>> {
  const waiting = cases.toSorted((one, other) => rankOf(one) - rankOf(other))
  const seen: Seen[] = []
  async function work(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      seen.push(await runCase(gateway.url, next))
  }
  await Promise.all(Array.from({ length: atOnceMax }, work))
  const ids = seen.map(({ answer }) => answer.id)
  const { requests, charges } = await eventually(
    () => readBooks(gateway.dataDir),
    books => ids.every(id => id === '' || books?.requests.has(id)),
    10_000,
  )
  return new Map(
    seen.map(one => [one.one, judge(one, requests.get(one.answer.id), charges.get(one.answer.id))]),
  )
}

function rankOf({ expected }: Case): number {
  return expected.takes === 'at once' ? 1 : 0
}

async function runCase(url: string, one: Case): Promise<Seen> {
  const question = { dialect: one.dialect, model: one.model, isStreaming: one.way === 'streamed' }
  if (one.row.isSecond === true) {
    await ask(url, question)
    await sleep(betweenMs)
  }
  const startedAt = performance.now()
  const answer = await ask(url, question)
  return { one, answer, ms: performance.now() - startedAt }
}

function judge(seen: Seen, record: Recorded | undefined, charge: Charge | undefined): Outcome {
  const reading = readAnswer(seen.answer)
  return {
    noticed: noticedBy(reading, seen, record),
    takes: timeOf(seen, record),
    attempts: record?.attempts.length ?? 0,
    charged: chargedFor(reading, record, charge?.amount ?? 0n),
  }
}

function noticedBy(
  reading: Reading,
  { one, answer }: Seen,
  record: Recorded | undefined,
): Outcome['noticed'] {
  if (reading.kind === 'broken') return `wrong: ${reading.why}`
  if (record === undefined) return 'wrong: no record'
  if (record.status !== answer.status) return 'wrong: the record names another status'
  const { says = sentence } = one.row
  const isFaulty = record.attempts.length === 1
  if (reading.kind === 'answer') {
    if (record.class !== 'ok') return `wrong: looks whole, and is ${record.class}`
    return reading.words === (isFaulty ? says : sentence) ? 'no' : 'wrong: another text'
  }
  if (!isPartOf(reading.words, says)) return 'wrong: another text'
  return record.class === 'ok' ? 'told in the answer' : `told ${record.class}`
}

/** A text that never ends repeats its first piece. */
function isPartOf(words: string, says: string): boolean {
  const [first = ''] = says.split(' ')
  return says.startsWith(words) || words.replaceAll(first, '') === ''
}

/** By the limit that the gateway itself says it waited for; how long a machine takes beside that is not asked. */
function timeOf({ one, ms }: Seen, record: Recorded | undefined): Takes {
  if (ms >= limitsMs.total + 4_000) return 'longer than any limit'
  if (one.row.isSlow === true) return "the upstream's own pace"
  const hasWaited =
    record?.class === 'upstream_timeout' && record.attempts.at(-1)?.class === 'ok'
      ? true
      : record?.attempts.some(attempt => attempt.class === 'upstream_timeout' && attempt.status === 0)
  if (hasWaited !== true) return ms < limitsMs.idle ? 'at once' : 'longer than any limit'
  if (ms >= limitsMs.total) return 'the total limit'
  if (ms >= limitsMs.idle) return 'the idle limit'
  if (ms >= limitsMs.firstByte) return 'the first-byte limit'
  return ms >= limitsMs.connect ? 'the connect limit' : 'at once'
}

function chargedFor(reading: Reading, record: Recorded | undefined, amount: bigint): Charged {
  if (amount === 0n) return 'nothing'
  const { usage, source } = record ?? {}
  if (source === 'upstream' && reading.kind === 'error' && usage !== undefined)
    return amount === priceOf(usage) ? 'what the upstream stated' : 'something else'
  if (source === 'upstream') return amount === answerCharge ? 'the answer' : 'something else'
  const words = reading.kind === 'broken' ? undefined : reading.words
  if (words === undefined || usage === undefined || amount !== priceOf(usage)) return 'something else'
  // On a machine that is busy the counting thread may be late: then the gateway's count is a rough one, four letters a token.
  const isCounted = [countTokens(words), Math.ceil(words.length / 4)].includes(usage.output ?? -1)
  if (!isCounted) return 'something else'
  return source === 'counted' ? 'the delivered part' : 'the answer, counted'
}

function priceOf({ input = 0, output = 0 }: NonNullable<Recorded['usage']>): bigint {
  return BigInt(input) * 2_500n + BigInt(output) * 10_000n
}
