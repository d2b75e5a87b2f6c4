import { execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../faults/eventually.ts'
import { type Asked, createSmallStage, type SmallStage } from './small-stage.ts'
import { untilGone, workersOf } from './workers.ts'

let stage: SmallStage
beforeEach(async () => {
  stage = await createSmallStage()
})
afterEach(() => stage.close())

const pidOf = (number: number) => {
  const pid = workersOf(stage.pid).get(number)
  if (pid === undefined) throw new Error(`there is no worker ${number}`)
  return pid
}
const startReady = async (limits: object = {}) => {
  await stage.start(limits)
  await stage.untilPrinted('"msg":"ready"')
}
/** Sockets that the parent has open; its channels to the workers are among them. */
const socketsOfParent = () =>
  readdirSync(`/proc/${stage.pid}/fd`).filter(fd => {
    try {
      return readlinkSync(`/proc/${stage.pid}/fd/${fd}`).startsWith('socket:')
    } catch {
      return false // closed meanwhile
    }
  }).length
const countAnswered = (asked: readonly Asked[]) => {
  const answered = { count: 0 }
  for (const { answer } of asked)
    answer.then(
      () => answered.count++,
      () => undefined,
    )
  return answered
}

describe('a connection on its way to a worker', () => {
  test('goes to another one when the worker dies before it took it', async () => {
    await startReady({ workerStuckMs: 30_000, workerSilentMsMax: 300_000 })
    const dying = pidOf(1)
    process.kill(dying, 'SIGSTOP')
    const asked = Array.from({ length: 8 }, () => stage.ask())
    const answered = countAnswered(asked)
    await eventually(() => (answered.count >= 4 ? true : undefined), undefined, 20_000)
    process.kill(dying, 'SIGKILL')
    const answers = await Promise.all(asked.map(({ answer }) => answer))
    expect(answers.filter(text => !text.startsWith('HTTP/1.1 200'))).toEqual([])
    await stage.untilPrinted('a worker is back')
  })

  test('goes to another one when the worker has no descriptor left for it', async () => {
    await startReady()
    const full = pidOf(1)
    const descriptors = readdirSync(`/proc/${full}/fd`).length
    execFileSync('prlimit', ['--pid', String(full), `--nofile=${descriptors}:${descriptors}`])
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => stage.ask().answer))
    expect(answers.filter(text => !text.startsWith('HTTP/1.1 200'))).toEqual([])
    await stage.untilPrinted(`"worker":1,"pid":${full},"msg":"a worker could not receive a connection"`)
  })

  test('is no longer open in the parent once the worker has it, and lives on there', async () => {
    await startReady()
    await stage.ask().answer
    const before = socketsOfParent()
    const asked = Array.from({ length: 20 }, () => stage.ask())
    await Promise.all(asked.map(({ answer }) => answer))
    await eventually(socketsOfParent, count => count !== undefined && count <= before, 10_000)
    const again = await Promise.all(asked.map(each => each.askAgain()))
    expect(again.filter(text => !text.startsWith('HTTP/1.1 200'))).toEqual([])
    for (const { socket } of asked) socket.destroy()
  })
})

describe('a worker that hangs', () => {
  test('keeps at most the one connection that it was just given, until it answers again', async () => {
    await startReady()
    const hung = pidOf(1)
    process.kill(hung, 'SIGSTOP')
    const asked = Array.from({ length: 20 }, () => stage.ask())
    const answered = countAnswered(asked)
    await eventually(() => (answered.count >= 19 ? true : undefined), undefined, 20_000)
    await stage.untilPrinted(`"worker":1,"pid":${hung},"msg":"a worker does not answer`)
    process.kill(hung, 'SIGCONT')
    await stage.untilPrinted(`"worker":1,"pid":${hung},"msg":"a worker answers again"`)
    const answers = await Promise.all(asked.map(({ answer }) => answer))
    expect(answers.filter(text => !text.startsWith('HTTP/1.1 200'))).toEqual([])
    for (const { socket } of asked) socket.destroy()
    await eventually(
      async () => (await stage.ask().answer).endsWith(` ${hung}`) || undefined,
      undefined,
      10_000,
    )
  })

  test('is killed and replaced when it gives no sign of life', async () => {
    await startReady({ workerSilentMsMax: 1_000 })
    const hung = pidOf(2)
    process.kill(hung, 'SIGSTOP')
    await stage.untilPrinted(/"worker":2,.*a worker gives no sign of life: it is killed/)
    await stage.untilPrinted(/"worker":2,.*a worker is back/)
    expect(pidOf(2)).not.toBe(hung)
  })
})

describe('a worker that dies', () => {
  test('while the others start is back before the gateway is ready', async () => {
    stage.tell('wait-2')
    await stage.start()
    await stage.untilPrinted('"worker":1,')
    await eventually(() => workersOf(stage.pid).get(2), undefined, 20_000)
    stage.tell('wait-1')
    process.kill(pidOf(1), 'SIGKILL')
    await stage.untilPrinted(/"worker":1,.*a worker died/)
    stage.untell('wait-2')
    await stage.untilPrinted(/"worker":2,.*small worker is ready/)
    expect(stage.output()).not.toContain('"msg":"ready"')
    stage.untell('wait-1')
    await stage.untilPrinted('"msg":"ready"')
    expect([...workersOf(stage.pid).keys()].sort()).toEqual([1, 2])
  })

  test('late in its start, again and again, is waited for longer each time and then given up', async () => {
    await startReady({ workerEarlyEndsMax: 3 }) // every start takes longer than what counts as early
    stage.tell('fail-2')
    process.kill(pidOf(2), 'SIGKILL')
    await stage.untilPrinted('"worker":2,"ends":3,"msg":"a worker dies at once again and again')
  })
})

describe('a connection that no worker can take', () => {
  test('waits for the worker that is being started again', async () => {
    await startReady()
    const before = socketsOfParent() // as many as with the next two workers
    for (const number of [1, 2]) stage.tell(`wait-${number}`)
    for (const number of [1, 2]) process.kill(pidOf(number), 'SIGKILL')
    await stage.untilPrinted(/"worker":1,.*a worker died/)
    await stage.untilPrinted(/"worker":2,.*a worker died/)
    await eventually(() => (workersOf(stage.pid).size === 2 ? true : undefined), undefined, 20_000)
    const asked = [stage.ask(), stage.ask()]
    await eventually(socketsOfParent, count => (count ?? 0) >= before + 2, 20_000)
    stage.untell('wait-1')
    const answers = await Promise.all(asked.map(({ answer }) => answer))
    expect(answers.filter(text => !text.startsWith('HTTP/1.1 200'))).toEqual([])
  })

  test('is told 503 when the wait is over, and so are those beyond the bound at once', async () => {
    await startReady({ workerHoldMsMax: 3_000, workerHeldMax: 2 })
    for (const number of [1, 2]) stage.tell(`wait-${number}`)
    for (const number of [1, 2]) process.kill(pidOf(number), 'SIGKILL')
    await stage.untilPrinted(/"worker":1,.*a worker died/)
    await stage.untilPrinted(/"worker":2,.*a worker died/)
    const answers = await Promise.all([1, 2, 3, 4].map(() => stage.ask().answer))
    expect(answers).toEqual(Array.from({ length: 4 }, () => refusal))
    await stage.untilPrinted(/"refused":\d,"msg":"connections were refused/)
  })

  test('is told 503 when all are full, and the log says how many', async () => {
    await startReady({ connectionsMax: 1 })
    const open = [stage.ask(), stage.ask()]
    await Promise.all(open.map(({ answer }) => answer))
    expect(await stage.ask().answer).toBe(refusal)
    await stage.untilPrinted('"refused":1,"msg":"connections were refused')
    for (const { socket } of open) socket.destroy()
  })
})

const refusal =
  'HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'

test('a retired worker has as long as it takes: the bound of a stop is not its own', async () => {
  await startReady({ workerStopMsMax: 100 })
  const old = pidOf(1)
  stage.tell('retire-slowly')
  process.kill(stage.pid, 'SIGHUP')
  await stage.untilPrinted(/("worker":1,.*small worker is ready[\s\S]*){2}/)
  await expect(untilGone([old], 2_000)).rejects.toThrow('not within')
  stage.untell('retire-slowly')
  await stage.untilPrinted('rolling restart is over')
  expect(stage.output()).not.toContain('did not end in good order')
})
