import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeFolder } from './make-folder.ts'

test('folders within folders are made, for their owner only', () => {
  const root = mkdtempSync(join(tmpdir(), 'yumen-folder-'))
  try {
    makeFolder(join(root, 'a/b/c'))
    makeFolder(join(root, 'a/b/c'))
    expect(statSync(join(root, 'a/b/c')).mode & 0o777).toBe(0o700)
  } finally {
    rmSync(root, { recursive: true })
  }
})

test.runIf(process.platform === 'linux')('where none can be made the reason is told, and it ends', () => {
  expect(() => makeFolder('/proc/nothing/of/this')).toThrow('ENOENT')
})
