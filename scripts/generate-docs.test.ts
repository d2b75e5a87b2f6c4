import { expect, test } from 'vitest'
import { findStale, renderPages } from './generate-docs.ts'

test('the pages that are made from the code say what the code says: `npm run docs` writes them', async () => {
  expect(await findStale(await renderPages())).toEqual([])
})

test('a page that says something else is found', async () => {
  expect(await findStale([{ path: 'docs/reference/limits.md', text: 'stale' }])).toEqual([
    'docs/reference/limits.md',
  ])
  expect(await findStale([{ path: 'docs/reference/nothing.md', text: 'new' }])).toEqual([
    'docs/reference/nothing.md',
  ])
})
