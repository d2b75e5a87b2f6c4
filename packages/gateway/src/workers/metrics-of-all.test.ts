import { expect, test } from 'vitest'
import { createMetricsSum } from './metrics-of-all.ts'

test('a place without a worker is told as one that is not up', async () => {
  const crew = () => ({ members: new Set<never>(), restarts: 3 })
  const text = await createMetricsSum({ timeoutMs: 1, count: 2, crew }).ask()
  expect(text).toContain('yumen_worker_up{worker="1"} 0\nyumen_worker_up{worker="2"} 0\n')
  expect(text).toContain('yumen_worker_restarts_total 3')
})
