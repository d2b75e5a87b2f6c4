import { expect, test } from 'vitest'
import { describeStores } from '../store/store-cases.ts'
import { watchLivingNodes } from './living-nodes.ts'

describeStores('the living nodes', stores => {
  test('are those whose heartbeat has not run out; their number follows', async () => {
    const store = await stores.open(await stores.fresh())
    const start = (id: string, heartbeatUntil: number) =>
      store.run('startNode', { id, epoch: 1, now: 1, heartbeatUntil })
    await start('one', 100)
    await start('dead', 10)
    const nodes = await watchLivingNodes({
      store,
      limits: { nodeCountMs: 10 },
      now: () => 50,
      onFailure: () => undefined,
    })
    expect(nodes.count).toBe(1)
    await start('two', 100)
    await expect.poll(() => nodes.count).toBe(2)
    await store.run('endNode', { id: 'one' })
    await store.run('endNode', { id: 'two' })
    await expect.poll(() => nodes.count).toBe(1)
    nodes.stop()
  })
})
