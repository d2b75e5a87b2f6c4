import { afterEach, expect, test } from 'vitest'
import { createWorkerClient, type WorkerClient } from './worker-client.ts'

/** Echoes the name of what it is asked to run, except for four that say what happens. */
const echo = `
  import { parentPort, threadId } from 'node:worker_threads'
  parentPort.on('message', request => {
    if (request.kind === 'close') return parentPort.close()
    const { id, call } = request
    if (call.name === 'die') process.exit(7)
    if (call.name === 'silence') return
    if (call.name === 'thread') return parentPort.postMessage({ id, kind: 'done', result: threadId })
    const error = { code: 'not_unique', message: 'm' }
    if (call.name === 'fail') return parentPort.postMessage({ id, kind: 'failed', error })
    parentPort.postMessage({ id, kind: 'done', result: call.name })
  })`

const limits = {
  pendingCallsMax: 2,
  closeDeadlineMs: 2_000,
  workerDeathsMax: 2,
  workerDeathsWindowMs: 60_000,
  workerOldSpaceMb: 64,
  workerYoungSpaceMb: 2,
}
const settings = { path: '', busyTimeoutMs: 1, cacheKib: 1, walKeepBytes: 1, statementsMax: 1, rowsMax: 1 }

let client: WorkerClient | undefined
afterEach(() => client?.close())

function start(clock = () => 0, idleMsMax?: number) {
  const made = createWorkerClient({
    name: 'writer',
    file: new URL(`data:text/javascript,${encodeURIComponent(echo)}`),
    start: { settings, walBytesMax: 1, walCheckEvery: 1 },
    limits,
    idleMsMax,
    clock,
  })
  client = made
  return (name: string, deadlineMs = 5_000) => made.call({ kind: 'run', name, args: {} }, deadlineMs)
}

test('calls are answered, failures keep their code', async () => {
  const run = start()
  expect(await run('hello')).toBe('hello')
  await expect(run('fail')).rejects.toMatchObject({ name: 'StoreError', code: 'not_unique', message: 'm' })
})

test('a worker that dies fails what was pending; the next call starts another', async () => {
  const run = start()
  const results = await Promise.allSettled([run('silence'), run('die')])
  for (const result of results) expect(result).toMatchObject({ reason: { code: 'unavailable' } })
  expect(await run('hello')).toBe('hello')
})

test('a worker that keeps dying is left alone until its window is over', async () => {
  let now = 0
  const run = start(() => now)
  await expect(run('die')).rejects.toThrow(/ended in the middle/)
  await expect(run('die')).rejects.toThrow(/ended in the middle/)
  await expect(run('hello')).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('died 2'),
  })
  now = limits.workerDeathsWindowMs
  expect(await run('hello')).toBe('hello')
})

test('a call past its deadline is unavailable, and its place is free again', async () => {
  const run = start()
  await expect(run('silence', 20)).rejects.toThrow(/within 20 ms/)
  await expect(run('silence', 20)).rejects.toThrow(/within 20 ms/)
  expect(await run('hello')).toBe('hello')
})

test('beyond the bound of pending calls a call fails at once', async () => {
  const run = start()
  const waiting = [run('silence', 200), run('silence', 200)]
  await expect(run('hello')).rejects.toThrow(/has 2 calls waiting/)
  await Promise.allSettled(waiting)
})

test('a worker that nobody asks ends, and the next call starts another', async () => {
  const run = start(undefined, 30)
  const first = await run('thread')
  expect(await run('thread')).toBe(first)
  await expect.poll(() => run('thread'), { interval: 100 }).not.toBe(first)
})

test('a closed client refuses', async () => {
  const run = start()
  await run('hello')
  await client?.close()
  await expect(run('hello')).rejects.toThrow(/is closed/)
})
