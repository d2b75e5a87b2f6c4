import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'yumen-link-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A worker that links itself to its parent only when its channel is closed, and ends when it is told to stop. */
const late = (link: string) => `
const { connectToParent } = await import(${JSON.stringify(link)})
const keep = setInterval(() => undefined, 1_000)
while (process.connected) await new Promise(resolve => setTimeout(resolve, 5))
await connectToParent({ number: 1, limits: { metricsTimeoutMs: 100 } }).stopped
clearInterval(keep)
process.exit(7)
`

test('a parent that is gone before its worker listens is told all the same', async () => {
  const file = join(folder, 'worker.mjs')
  writeFileSync(file, late(new URL('./worker-link.ts', import.meta.url).href))
  const child = fork(file, { execArgv: [] })
  child.disconnect()
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
  const [code] = await once(child, 'exit')
  clearTimeout(timer)
  expect(code).toBe(7)
})
