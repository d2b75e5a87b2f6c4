import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const yumen = fileURLToPath(new URL('../../../../bin/yumen', import.meta.url))

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'yumen-start-'))
  mkdirSync(join(root, 'bin'))
  mkdirSync(join(root, 'scripts'))
  copyFileSync(yumen, join(root, 'bin', 'yumen'))
  writeFileSync(join(root, 'scripts', 'ready'), '#!/bin/sh\necho ready\n', { mode: 0o755 })
  writeFileSync(join(root, 'scripts', 'node'), '#!/bin/sh\necho node\n', { mode: 0o755 })
})
afterEach(() => rmSync(root, { recursive: true }))

const start = () => execFileSync(join(root, 'bin', 'yumen'), ['doctor'], { encoding: 'utf8' })

function install(age: { readonly lock: number; readonly installed: number }) {
  mkdirSync(join(root, 'node_modules'))
  for (const [path, time] of [
    ['package-lock.json', age.lock],
    ['node_modules/.package-lock.json', age.installed],
  ] as const) {
    writeFileSync(join(root, path), '{}')
    utimesSync(join(root, path), time, time)
  }
}

test('a clean clone is made ready', () => {
  expect(start()).toBe('ready\nnode\n')
})

test('a clone whose lock file changed since the install is made ready', () => {
  install({ lock: 2_000, installed: 1_000 })
  expect(start()).toBe('ready\nnode\n')
})

test('a clone that is up to date is not', () => {
  install({ lock: 1_000, installed: 1_000 })
  expect(start()).toBe('node\n')
})
