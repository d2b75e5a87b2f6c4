import { defineConfig } from 'vitest/config'

/** Long proofs live in `*.long.test.ts` and run with `npm run test:long` only. */
const isLong = process.argv.includes('--long') || process.env['YUMEN_TEST_LONG'] === '1'

export default defineConfig({
  test: {
    include: isLong ? ['**/*.test.ts', '**/*.long.test.ts'] : ['**/*.test.ts'],
    exclude: ['**/node_modules/**', ...(isLong ? [] : ['**/*.long.test.ts'])],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: isLong ? 600_000 : 30_000,
    hookTimeout: 60_000,
  },
})
