import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../gateway.ts'
import { type Answer, ask, dialects } from './ask.ts'
import { readBooks } from './books.ts'
import { eventually } from './eventually.ts'
import { findProcess } from './gateway-process.ts'
import { expectExactBooks } from './killing.ts'
import { type Stage, startStage } from './load.ts'

let stage: Stage
beforeEach(async () => {
  stage = await startStage({ models: ['sim', 'sim-tokens400-gap5'], env: { YUMEN_LOG_LEVEL: 'info' } })
})
afterEach(() => stage.close())

const journalDir = () => join(stage.gateway.dataDir, 'journal')
const folders = () => readdirSync(journalDir())

/** Answers that are in the journal of a killed gateway, and not in its database: the process dies within the first batch. */
async function dieBeforeCommit(count = 8): Promise<readonly Answer[]> {
  const { gateway } = stage
  await gateway.stop()
  await gateway.restart({ YUMEN_CRASH_AT: 'before-commit' })
  const asked = Array.from({ length: count }, (_, index) =>
    ask(gateway.url, { dialect: dialects[index % 4] ?? 'chat', model: 'sim', isStreaming: index % 3 === 0 }),
  )
  const answers = await Promise.all(asked)
  await gateway.kill()
  const whole = answers.filter(({ isWhole }) => isWhole)
  expect(whole.length).toBeGreaterThan(0)
  expect(readBooks(gateway.dataDir).charges.size).toBe(0)
  return whole
}

function onlySegment(): string {
  const [node = ''] = folders()
  const path = join(journalDir(), node)
  const segment = readdirSync(path).find(name => name.endsWith('.journal'))
  if (segment === undefined) throw new Error(`no journal in ${path}`)
  return join(path, segment)
}

const lineOf = (json: string) => `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`

test('a last line that is torn is no line, and all before it are charged', async () => {
  const answers = await dieBeforeCommit()
  const lines = readFileSync(onlySegment(), 'utf8').split('\n')
  appendFileSync(onlySegment(), lines[1]?.slice(0, 100) ?? '')
  await stage.gateway.restart()
  expectExactBooks(readBooks(stage.gateway.dataDir), answers)
})

test('a damaged line in the middle is told, costs its own charge and no other', async () => {
  const answers = await dieBeforeCommit()
  const [victim] = answers
  const text = readFileSync(onlySegment(), 'utf8')
  writeFileSync(onlySegment(), text.replace(`"id":"${victim?.id}"`, `"id":"${victim?.id.toLowerCase()}"`))
  await stage.gateway.restart()
  const rest = answers.filter(answer => answer !== victim)
  expectExactBooks(readBooks(stage.gateway.dataDir), rest)
  expect(readBooks(stage.gateway.dataDir).charges.size).toBe(rest.length)
  const isLast = text
    .trimEnd()
    .split('\n')
    .at(-1)
    ?.includes(victim?.id ?? '')
  if (!isLast) await stage.gateway.untilPrinted('damaged records')
})

test('the journal of another installation is left alone and said so', async () => {
  const answers = await dieBeforeCommit()
  const folder = join(journalDir(), '01M8950000000000000000DEAD')
  mkdirSync(folder)
  const header = {
    format: 1,
    installation: 'elsewhere',
    epoch: 1,
    node: '01M8950000000000000000DEAD',
    firstSeq: 1,
  }
  writeFileSync(join(folder, '0000000000000001.journal'), lineOf(JSON.stringify(header)))
  await stage.gateway.restart()
  expectExactBooks(readBooks(stage.gateway.dataDir), answers)
  expect(existsSync(folder)).toBe(true)
  await stage.gateway.untilPrinted('another installation')
  expect(await stage.gateway.stop()).toBe(0)
  expect(folders()).toEqual(['01M8950000000000000000DEAD'])
})

test('a journal of a newer version stops the start with a clear word, and is not touched', async () => {
  await dieBeforeCommit()
  const file = onlySegment()
  const [, ...lines] = readFileSync(file, 'utf8').split('\n')
  const header = { format: 99, installation: 'any', epoch: 1, node: 'any', firstSeq: 1 }
  const text = lineOf(JSON.stringify(header)) + lines.join('\n')
  writeFileSync(file, text)
  await expect(stage.gateway.restart()).rejects.toThrow(/ended at its start with [12]/)
  await stage.gateway.untilPrinted(/written by a newer Yumen \(format 99, this one reads 1\)/)
  expect(readFileSync(file, 'utf8')).toBe(text)
})

test('a journal of a newer version is no bug of Yumen', async () => {
  await dieBeforeCommit()
  const header = { format: 99, installation: 'any', epoch: 1, node: 'any', firstSeq: 1 }
  writeFileSync(onlySegment(), lineOf(JSON.stringify(header)))
  await expect(stage.gateway.restart()).rejects.toThrow('newer Yumen')
  expect(stage.gateway.output()).not.toMatch(/bug of Yumen|\n\s+at /)
})

describe('two gateways on one data folder', () => {
  test("the second adopts what is dead and leaves the first one's journal alone", async () => {
    const { gateway } = stage
    const answers = [...(await dieBeforeCommit())]
    await gateway.restart()
    const own = folders()
    const second = await startStageBeside(stage)
    expect(folders()).toEqual(expect.arrayContaining(own))
    expect(folders()).toHaveLength(2)
    for (const url of [gateway.url, second.url]) {
      for (const dialect of dialects)
        answers.push(await ask(url, { dialect, model: 'sim', isStreaming: true }))
    }
    await second.kill()
    expect(await gateway.stop()).toBe(0)
    await gateway.restart() // adopts the second one's
    expectExactBooks(readBooks(gateway.dataDir), answers)
    expect(folders()).toHaveLength(1)
  })
})

/** Another process on the same folder and another port. */
async function startStageBeside({
  gateway,
}: Stage): Promise<{ readonly url: string; kill(): Promise<void> }> {
  const port = await freePort()
  const binary = new URL('../../../../bin/yumen', import.meta.url).pathname
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    YUMEN_DATA_DIR: gateway.dataDir,
    PORT: String(port),
    YUMEN_HOST: '127.0.0.1',
  }
  const child = spawn(binary, ['serve'], { env, stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}`
  await eventually(
    async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.status,
    status => status === 200,
  )
  return {
    url,
    kill: () =>
      new Promise<void>(resolve => {
        child.once('exit', () => resolve())
        child.kill('SIGKILL')
      }),
  }
}

test('a line that is damaged after it was committed does not keep the gateway from starting', async () => {
  const { gateway } = stage
  const answer = await ask(gateway.url, {
    dialect: 'anthropic',
    model: 'sim-tokens400-gap5',
    isStreaming: true,
  })
  await ask(gateway.url, { dialect: 'anthropic', model: 'sim', isStreaming: true })
  await eventually(
    () => readBooks(gateway.dataDir).requests.size,
    size => size === 2,
  )
  const file = onlySegment()
  await gateway.kill()
  const text = readFileSync(file, 'utf8')
  expect(text).toContain('"kind":"progress"')
  writeFileSync(
    file,
    text
      .split('\n')
      .map(line =>
        line.includes('"kind":"settled"') && line.includes(answer.id)
          ? line.replace('"kind"', '"kinn"')
          : line,
      )
      .join('\n'),
  )
  await gateway.restart()
  expect(readBooks(gateway.dataDir).charges.size).toBe(2)
})

const prlimit = '/usr/bin/prlimit'

/** From here on no file may grow: to the process the disk is full, for the journal and for the database. */
function limitFiles(dataDir: string, bytes: number | 'unlimited'): void {
  execFileSync(prlimit, ['--pid', String(findProcess(dataDir)), `--fsize=${bytes}:unlimited`])
}

test.skipIf(!existsSync(prlimit))(
  'a full disk: what cannot be recorded is refused, and with room again all goes on',
  async () => {
    const { gateway } = stage
    const answers: Answer[] = []
    const askAll = async () => {
      const some = await Promise.all(
        dialects.flatMap(dialect =>
          [true, false].map(isStreaming => ask(gateway.url, { dialect, model: 'sim', isStreaming })),
        ),
      )
      answers.push(...some)
      return some
    }
    expect((await askAll()).every(({ isWhole }) => isWhole)).toBe(true)
    limitFiles(gateway.dataDir, 1)
    const caught = await askAll()
    expect(caught.filter(({ isWhole }) => isWhole)).toEqual([])
    for (const { status, text, question } of caught) {
      expect(text).toContain('could not be recorded')
      expect(status).toBe(question.isStreaming ? 200 : question.dialect === 'anthropic' ? 529 : 503)
    }
    const refused = await askAll()
    expect(refused.map(({ status }) => status).filter(status => status !== 503 && status !== 529)).toEqual([])
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503)
    limitFiles(gateway.dataDir, 'unlimited')
    await eventually(
      async () => (await fetch(`${gateway.url}/readyz`)).status,
      status => status === 200,
    )
    expect((await askAll()).every(({ isWhole }) => isWhole)).toBe(true)
    expect(await gateway.stop()).toBe(0)
    const books = readBooks(gateway.dataDir)
    expectExactBooks(books, answers)
    expect(books.charges.size).toBe(answers.filter(({ isWhole }) => isWhole).length)
  },
)
